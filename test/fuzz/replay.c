/*
 * replay - feeds a fuzz target its corpus, one TAP test a file.
 *
 * libFuzzer finds; this remembers. Linked with each target in the sanitizer
 * flavour, so that every input that was ever interesting stays harmless.
 */
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/log.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Exactly as many bytes as the file has, on the heap: one beyond is an error. */
static void feed(const char *path)
{
	uint8_t *data;
	FILE *file = fopen(path, "rb");
	long size;

	if (!file || fseek(file, 0, SEEK_END) < 0 || (size = ftell(file)) < 0) {
		printf("Bail out! %s cannot be read\n", path);
		exit(1);
	}
	rewind(file);
	data = malloc((size_t)size);
	if (fread(data, 1, (size_t)size, file) != (size_t)size) {
		printf("Bail out! %s is shorter than it was\n", path);
		exit(1);
	}
	fclose(file);
	LLVMFuzzerTestOneInput(data, (size_t)size);
	free(data);
}

int main(void)
{
	struct dirent **names;
	int n = scandir(CORPUS, &names, visible, alphasort);

	if (n <= 0) {
		puts("1..0 # SKIP no corpus in " CORPUS);
		return 0;
	}
	log_open(open("/dev/null", O_WRONLY | O_CLOEXEC), "replay", LOG_ERROR);
	setvbuf(stdout, NULL, _IOLBF, BUFSIZ);
	printf("1..%d\n", n);
	for (int i = 0; i < n; i++) {
		char path[4096];

		snprintf(path, sizeof(path), "%s/%s", CORPUS, names[i]->d_name);
		printf("# %s\n", path); /* on the screen before it can crash */
		feed(path);
		printf("ok %d - %s\n", i + 1, names[i]->d_name);
		free(names[i]);
	}
	free(names);
	return 0;
}
