# systemd13: Debian 13, its packaged kernel, its own initramfs: with our agent, and with nothing of ours in it.
# with: test/vm/host.sh test/vm/stock.sh out/tools/term out/guest/debian13/root.img
. /lab/in/lib.sh
. /lab/in/host.sh
. /lab/in/stock.sh

# What Debian has installed there.
mkdir /mnt/root
mount -o loop,ro "$disk" /mnt/root
version=$(ls /mnt/root/usr/lib/modules)
cp /mnt/root/boot/vmlinuz-* /tmp/vmlinuz
cp /mnt/root/boot/initrd.img-* /tmp/initrd.img
run vmtool kernel add /tmp/vmlinuz --modules "/mnt/root/usr/lib/modules/$version"
is "$rc" 0 "Debian 13's kernel goes into the catalogue, with its modules"
diag "$err"
umount /mnt/root

ours="a packaged kernel"
kernel=default
run booted --initrd /lab/initrd --root '/dev/vda ext4' --init /sbin/init
is "$rc" 0 "$ours: it starts"
diag "$err"
is "$(guest uname -r)" "$version" "$ours: it is Debian's"
is_whole
stops

# What somebody does who has Debian on a disk, and wants no agent.
ours="nothing of ours"
kernel=/tmp/vmlinuz
run booted --initrd /tmp/initrd.img --plain --banner vsock:22 --append 'root=/dev/vda rw'
is "$rc" 0 "$ours: it starts"
diag "$err"
gated() { sed -n "s/.*\"name\":\"$1\",\"value\":true.*/$1/p" "$events"; }
is "$(gated ssh_banner) $(gated boot_done)" "ssh_banner boot_done" \
	"$ours: an SSH server greeted at its vsock port, and systemd said that it is through"
presses
done_testing
