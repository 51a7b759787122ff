# disks.sh PAIRS MIB - runs inside the lab: a guest's disk under vmtool and under QEMU; a line a sample, as pairs.sh.
#
# The file lies in this host's memory: what is measured is the way there and back. The peer is QEMU as it comes
# (aio=threads), and QEMU told to use io_uring.
set -eu
pairs=$1 mib=$2
append='console=ttyS0 quiet panic=-1'

busybox tar -xf /lab/in/qemu.tar -C /
chmod +x /lab/in/bootclock
head -c 64m /dev/urandom >/tmp/disk.img

load() { # SIDE PAIR VMM AIO
	/lab/in/bootclock "$3" /lab/vmlinux /lab/in/initrd "$mib" 1 "$append" 'disk end' /tmp/disk.img "$4" >/tmp/load
	while read -r _ name value; do
		case $name in warm | end) continue ;; esac
		[ "$2" = 0 ] || echo "disk_$name $1 $2 $value"
		# The same of ours is compared twice.
		[ "$2" = 0 ] || [ "$1" = qemu ] || echo "disk_${name}_io_uring $1 $2 $value"
	done </tmp/load
}

pair=0
while [ "$pair" -le "$pairs" ]; do
	if [ $((pair % 2)) = 0 ]; then
		load vmtool $pair vmtool best
		load qemu $pair qemu threads
		load qemu_io_uring $pair qemu io_uring
	else
		load qemu_io_uring $pair qemu io_uring
		load qemu $pair qemu threads
		load vmtool $pair vmtool best
	fi
	pair=$((pair + 1))
done
