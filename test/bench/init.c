/*
 * init - the guest's PID 1 of the boot benchmark: says that it runs, and waits to be killed.
 *
 * The same program, initramfs and kernel under every VMM, so the line means the same.
 */
#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

int main(void)
{
	static const char mark[] = "bench: init runs\n";
	int fd;

	mount("devtmpfs", "/dev", "devtmpfs", 0, NULL);
	fd = open("/dev/console", O_WRONLY);
	if (fd >= 0 && write(fd, mark, sizeof(mark) - 1) < 0)
		return 1;
	for (;;)
		pause();
}
