# disk.t - disks of the host in the guest: what is written is there, and stays; what fails, fails alone.
# with: test/vm/host.sh out/guest/disk
. /lab/in/lib.sh
. /lab/in/host.sh

MB=1048576
in_web() { vmtool exec web -- sh -c "$1"; }
image() { dd if=/dev/zero of="$1" bs=$MB count="$2" 2>/dev/null; }
sum_of() { md5sum | cut -d ' ' -f 1; }

cp /lab/in/disk/ext4.img /tmp/first.img
image /tmp/second.img 4
echo "the second" | dd of=/tmp/second.img conv=notrunc 2>/dev/null
image /tmp/third.img 8

# A block device of the host's; a file on a full file system; one that says it is of another format and what lies under it.
image /tmp/device.img 4
device=$(losetup -f) && losetup "$device" /tmp/device.img
mkdir /tmp/small && mount -t tmpfs -o size=1m tmpfs /tmp/small
busybox truncate -s 4M /tmp/small/sparse.img /tmp/format.img
printf 'QFI\373\0\0\0\3\0\0\0\0\0\0\0\150\0\0\0\13%088d/etc/passwd' 0 | dd of=/tmp/format.img conv=notrunc 2>/dev/null

# --- disks, in their order ---

run start web -q --disk /tmp/first.img,id=first-1 --disk /tmp/second.img,ro --disk /tmp/third.img \
	--disk "$device" --disk /tmp/small/sparse.img --disk /tmp/format.img,aio=threads
is "$rc" 0 "a VM starts with six disks"
diag "$err"
is "$(in_web 'cd /sys/block; echo vd*; cat vd?/size | xargs')" "vda vdb vdc vdd vde vdf
32768 8192 16384 8192 8192 8192" "they are vda to vdf, of the right sizes"
is "$(in_web 'cat /sys/block/vda/serial')" "first-1" "a disk has the serial number it was given"
is "$(in_web 'head -n 1 /dev/vdb')" "the second" "the second is the second"
is "$(in_web 'cat /sys/block/vd?/ro | xargs')" "0 1 0 0 0 0" "and the only one that is read-only"

run in_web 'mkdir /mnt && mount -t ext4 /dev/vda /mnt && cat /mnt/hello'
is "$out" "made by the host" "a file system made by the host is mounted"
run in_web 'head -c 3000000 /dev/urandom >/mnt/noise && sync && md5sum </mnt/noise'
is "$rc" 0 "and written to"
wrote=${out%% *}

run in_web 'echo no >/dev/vdb'
is "$rc" 1 "a read-only disk refuses to be written"
run in_web 'mount -t ext4 /dev/vdb /mnt'
is "$rc" 255 "or mounted, having no file system"

# What the guest says about a sector is what the host has.
in_web 'dd if=/dev/urandom of=/dev/vdc bs=64k count=64 seek=32 conv=fsync 2>/dev/null'
is "$(in_web 'cat /dev/vdc | md5sum | cut -d " " -f 1')" "$(sum_of </tmp/third.img)" \
	"the guest and the host read the same bytes"

before=$(stat -c %b /tmp/third.img)
in_web 'blkdiscard /dev/vdc'
after=$(stat -c %b /tmp/third.img)
ok "room the guest gives back is the host's again" [ "$after" -lt "$before" ]

# speed OPERANDS: of a dd of 8 MiB, told and not judged: the machine may be an emulated one.
speed() {
	diag "dd $*: $(in_web "echo 3 >/proc/sys/vm/drop_caches
		cut -d ' ' -f 1 /proc/uptime; dd bs=1M count=8 $* 2>/dev/null; cut -d ' ' -f 1 /proc/uptime" |
		xargs | awk '{ printf "8 MiB in %.2f s, %.0f MiB/s", $2 - $1, 8 / ($2 - $1 + 0.005) }')"
}
speed if=/dev/zero of=/dev/vdc conv=fsync
speed if=/dev/vdc of=/dev/null
speed if=/dev/zero of=/dev/vdc oflag=direct
speed if=/dev/vdc of=/dev/null iflag=direct

# --- a block device, a full host, a format ---

run in_web 'dd if=/dev/urandom of=/dev/vdd bs=1M conv=fsync 2>/dev/null; blkdiscard -o 1048576 -l 1048576 /dev/vdd
	blkdiscard -z -o 2097152 -l 65536 /dev/vdd; echo 3 >/proc/sys/vm/drop_caches; md5sum </dev/vdd | cut -d " " -f 1'
is "$out" "$(sum_of <"$device")" "of a block device the guest and the host read the same"
is "$(dd if=/tmp/device.img bs=64k skip=32 count=1 2>/dev/null | tr -d '\000' | wc -c)" 0 "and what was zeroed is zeroes there"
run in_web 'dd if=/dev/zero of=/dev/vde bs=64k count=64 conv=fsync 2>&1'
is "$rc" 1 "a host that is full is an error of the write"
like "$(vmtool events --json web | grep '"disk":"vde"')" "No space left on device" "which the VM's events tell"
mount -o remount,size=8m /tmp/small
run in_web 'dd if=/dev/urandom of=/dev/vde bs=64k count=64 conv=fsync 2>/dev/null; md5sum </dev/vde | cut -d " " -f 1'
is "$rc $out" "0 $(sum_of </tmp/small/sparse.img)" "and when there is room again, it goes on"
is "$(in_web 'head -c 3 /dev/vdf; grep -c root: /dev/vdf; cat /sys/block/vdf/size' | xargs)" "QFI0 8192" \
	"an image that names another file is what it is: bytes"

# --- what a vmm has open ---

# Nothing but what it works with: no kernel, no /dev/kvm, nothing of whoever started it.
opened() {
	for fd in "/proc/$(processes vmm)/fd"/*; do readlink "$fd"; done |
		sed -e "s,$VMTOOL_HOME/,," -e 's,socket:.*,sockets,' -e 's,anon_inode:,,' | sort -u | xargs
}
is "$(opened)" "$device /dev/null /tmp/first.img /tmp/format.img /tmp/second.img /tmp/small/sparse.img /tmp/third.img [eventfd] [eventpoll] [io_uring] [signalfd] \
[timerfd] kvm-vcpu:0 kvm-vm run/web run/web/lock sockets vms/web/agent.log vms/web/console.log \
vms/web/vmm.status" "a running vmm has nothing else open"

# --- nobody else's ---

run start other -q --disk /tmp/first.img
is "$rc" 1 "a disk that a VM writes is nobody else's"
like "$err" "/tmp/first.img: is in use by the VM web" "and the refusal says whose it is"
run start other -q --disk /tmp/first.img,ro
is "$rc" 1 "not even to read"
run start other -q --disk /tmp/second.img
is "$rc" 1 "a disk that a VM reads is not written"
run start other -q --disk /tmp/second.img,ro
is "$rc" 0 "but read it is by two"
is "$(vmtool exec other -- head -n 1 /dev/vda)" "the second" "who see the same"
vmtool rm -f other

# --- and afterwards ---

vmtool stop -q web
run start web -q
is "$rc" 0 "the VM starts again with its disks"
is "$(in_web 'mkdir /mnt && mount -t ext4 /dev/vda /mnt && md5sum </mnt/noise | cut -d " " -f 1')" "$wrote" \
	"what was synced is there"

# --- a file cut while it is in use ---

truncate -s 2M /tmp/third.img
run in_web 'dd if=/dev/vdc of=/dev/null bs=1M 2>&1'
is "$rc" 1 "of a file that was cut, the rest cannot be read"
like "$out" "Input/output error" "which is an error, and no end of file"
run in_web 'dd if=/dev/vdc of=/dev/null bs=1M count=1'
is "$rc" 0 "what is left can be"
run in_web 'dd if=/dev/zero of=/dev/vdc bs=1M seek=4 count=1 conv=fsync 2>&1'
is "$rc" 1 "nor can the rest be written"
is "$(stat -c %s /tmp/third.img)" $((2 * MB)) "and the file stays as it was cut"
like "$(cat "$VMTOOL_HOME"/vms/web/*.log)" "vdc: cannot read" "the host's log says what happened"
events=$(vmtool events --json web | grep '"event":"disk".*"vdc"')
like "$events" '"disk":"vdc","state":"failed","work":"read","detail":"I/O error"' "so do the VM's events"
is "$(echo "$events" | wc -l)" 2 "once for what was read, and once for what was written"
run in_web 'md5sum </mnt/noise | cut -d " " -f 1'
is "$out" "$wrote" "the VM lives on, and so do its other disks"
vmtool rm -f web

# --- what is written over a disk ---

image /tmp/base.img 16
echo "the base" | dd of=/tmp/base.img conv=notrunc 2>/dev/null
before=$(sum_of </tmp/base.img)
run start web -q --disk /tmp/base.img,overlay
is "$rc" 0 "a VM starts with a disk to write over"
diag "$err"
run start other -q --disk /tmp/base.img,overlay
is "$rc" 0 "and another with the same"
in_web 'head -c 5000000 /dev/urandom | dd of=/dev/vda bs=1000000 seek=3 conv=fsync 2>/dev/null
	echo web | dd of=/dev/vda conv=fsync,notrunc 2>/dev/null; echo 3 >/proc/sys/vm/drop_caches'
is "$(in_web 'head -c 3 /dev/vda; dd if=/dev/vda bs=1 skip=3 count=5 2>/dev/null')" "web
base" "it reads what it wrote, and around it what was there"
wrote=$(in_web 'md5sum </dev/vda' | cut -d ' ' -f 1)
is "$(vmtool exec other -- head -n 1 /dev/vda)" "the base" "which the other does not see"
is "$(sum_of </tmp/base.img)" "$before" "nor is it in the image"
vmtool rm -f other
# Whoever is killed had no time for anything that a power cut would not give.
kill -9 $(processes vmm) && within 10 state_is web failed
run start web -q
is "$rc" 0 "the VM's process is killed, and another takes its place"
is "$(in_web 'md5sum </dev/vda' | cut -d ' ' -f 1)" "$wrote" "what was flushed is there"
run vmtool disk commit web vda
is "$rc" 1 "nothing is committed while it runs"
vmtool stop -q web
run vmtool disk commit web vda
is "$rc" 0 "a commit writes it to the image"
is "$(sum_of </tmp/base.img)" "$wrote" "which then is what the guest saw"
run start web -q
is "$rc $(in_web 'md5sum </dev/vda' | cut -d ' ' -f 1)" "0 $wrote" "and the guest sees it on"
vmtool rm -f web

# --- what is no disk ---

refused() {	# CODE TEXT OPTION...: what is said of it
	code=$1 text=$2
	shift 2
	run start bad -q "$@"
	is "$rc" "$code" "refused: $*"
	like "$err" "$text" "  with the reason"
}
: >/tmp/empty
printf 'x%.0s' $(seq 1 700) >/tmp/odd
refused 1 "No such file" --disk /tmp/none.img
refused 1 "is empty" --disk /tmp/empty
refused 1 "no multiple of 512" --disk /tmp/odd
refused 1 "neither a regular file nor a block device" --disk /dev/null
refused 1 "is given twice" --disk /tmp/first.img --disk /tmp/./first.img
refused 2 "'rw' is no option of a disk" --disk /tmp/first.img,rw
refused 2 "aio=native: wants threads or io_uring" --disk /tmp/first.img,aio=native
refused 2 "wants 1 to 20" --disk /tmp/first.img,id=
is "$(left)" "" "and nothing is left of them"

done_testing
