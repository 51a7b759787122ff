# disk.sh ROUNDS SEED - a VM's process is killed in the midst of what it writes, as by a power cut; in the lab.
# with: out/guest/fio.tar out/guest/e2fsprogs.tar
#
# One guest with four disks: plain and with an overlay, by a thread and by io_uring. First fio writes each, at random and
# at several depths, with discards between, and reads back what it wrote. Then each gets an ext4; a program writes
# files there and says which have been synced, fio writes besides, and the vmm is killed at some moment. The next
# guest must find each of these files whole, and e2fsck nothing once the journal has been played. Exits 1
# when a round failed.
. /lab/in/host.sh
. /lab/in/random.sh

rounds=$1 seed=$2
failures=0 round=0
dir=$(mktemp -d)
disks="vda vdb vdc vdd"

fail() {
	failures=$((failures + 1))
	echo "round $round: $*"
}

# The guest: ours, and Debian's programs.
prepare() {
	mkdir -p "$dir/tree/disk"
	busybox tar -xf /lab/in/fio.tar -C "$dir/tree"
	busybox tar -xf /lab/in/e2fsprogs.tar -C "$dir/tree"
	# A file's bytes are told by its number.
	cat >"$dir/tree/disk/bytes" <<-'END'
		dd if=/usr/bin/fio bs=512 skip=$(($1 * 37 % 3000)) count=$((1 + $1 * 13 % 120)) 2>/dev/null
	END
	# WHERE FIRST: writes one file after the other there, and tells each that is on the disk.
	cat >"$dir/tree/disk/work" <<-'END'
		i=$2
		while :; do
			sh /disk/bytes $i | dd of=/mnt/$1/f$i bs=64k conv=fsync 2>/dev/null && echo "$1 $i"
			i=$((i + 1))
		done
	END
	# WHERE NUMBER...: whether these are there and whole; all are then forgotten.
	cat >"$dir/tree/disk/check" <<-'END'
		where=$1
		shift
		mkdir -p /mnt/$where
		mount -t ext4 /dev/$where /mnt/$where || exit 1
		for i; do sh /disk/bytes $i | cmp - /mnt/$where/f$i || exit 1; done
		umount /mnt/$where
		/sbin/e2fsck -fn /dev/$where >/tmp/fsck 2>&1 || { cat /tmp/fsck; exit 1; }
		mount -t ext4 /dev/$where /mnt/$where
		rm -f /mnt/$where/f* /mnt/$where/fio*
		sync
	END
	(cd "$dir/tree" && find . | busybox cpio -o -H newc 2>/dev/null) | cat /lab/initrd - >"$dir/initrd"
	for disk in $disks; do busybox truncate -s 24M "$dir/$disk.img"; done
}

begin() {
	vmtool start -q web --kernel /lab/vmlinux --initrd "$dir/initrd" --memory 192M --timeout 120s \
		--disk "$dir/vda.img,aio=threads" --disk "$dir/vdb.img,aio=io_uring" \
		--disk "$dir/vdc.img,overlay,aio=threads" --disk "$dir/vdd.img,overlay,aio=io_uring" \
		>"$dir/out" 2>&1 || fail "start: $(cat "$dir/out")"
}

in_web() { vmtool exec web -- "$@"; }

# verify ENGINE DEPTH OPTION...: by fio, on all disks at once.
verify() {
	engine=$1 depth=$2
	shift 2
	jobs=
	for disk in $disks; do jobs="$jobs --name=$disk --filename=/dev/$disk"; done
	in_web /usr/bin/fio --ioengine="$engine" --iodepth="$depth" --direct=1 --randseed="$seed" \
		--verify=crc32c --verify_fatal=1 --minimal --thread "$@" $jobs >"$dir/fio" 2>&1 ||
		fail "fio $engine $depth $*: $(grep "^fio: " "$dir/fio" | head -n 3)"
}

verify_all() {
	verify psync 1 --rw=randrw --bs=4k --size=512k
	verify libaio 32 --rw=randrw --bs=512 --size=128k
	verify io_uring 8 --rw=randrw --bsrange=4k-256k --size=3M
	verify libaio 16 --rw=randtrimwrite --bs=4k --offset=4M --size=512k
	verify libaio 32 --rw=write --bs=1M --size=3M
}

# In front of the first power cut.
make_file_systems() {
	for disk in $disks; do
		in_web /sbin/mke2fs -q -F -t ext4 "/dev/$disk" || fail "mke2fs $disk"
	done
	in_web sync
}

acknowledged() { sed -n "s/^$1 \([0-9]*\)$/\1/p" "$dir/told" 2>/dev/null; }

check() {
	for disk in $disks; do
		# shellcheck disable=SC2046 # numbers
		in_web sh /disk/check "$disk" $(acknowledged "$disk") >"$dir/out" 2>&1 ||
			fail "$disk: $(tail -n 5 "$dir/out"); synced were: $(acknowledged "$disk" | xargs)"
	done
}

work() {
	: >"$dir/told"
	for disk in $disks; do in_web sh /disk/work "$disk" $((round * 1000)) >>"$dir/told" 2>/dev/null & done
	in_web /usr/bin/fio --minimal --thread --ioengine=libaio --iodepth=8 --rw=randwrite --bs=4k --size=2M --fsync=16 \
		--time_based --runtime=60 --name=fio1 --directory=/mnt/vdb --name=fio2 --directory=/mnt/vdd \
		>/dev/null 2>&1 &
	random 400
	usleep $((100 + number))000
	kill -9 $(processes vmm) && within 10 state_is web failed || fail "the VM is not failed after its vmm was killed"
	wait
}

prepare
begin
verify_all
make_file_systems
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	check
	work
	echo "round $round: killed after $((100 + number)) ms, $(wc -l <"$dir/told") files were synced"
	begin
done
round=$((round + 1))
check
vmtool rm -f web
echo "disk: $rounds rounds, $failures failures, SEED=$2"
[ $failures = 0 ]
