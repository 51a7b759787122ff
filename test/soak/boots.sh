# boots.sh ROUNDS SEED - four kernels in turn, ours and those of Debian 11, 12 and 13 as packaged, each on a board drawn by
# lot: CPUs, memory, disks, a card. Each must be ready, find all that the board has, say nothing of a fault, and power
# off; some reboot in place before. Exits 1 when one did not. Runs in the lab.
# with: out/guest/catalogue/kernels out/guest/disk
. /lab/in/host.sh
. /lab/in/random.sh

rounds=$1 seed=$2
failures=0
first_seed=$seed
kernels="/lab/vmlinux debian11 debian12 debian13"
MB=1048576

mkdir -p $VMTOOL_HOME/kernels
for kernel in /lab/in/kernels/*; do ln -s "$kernel" $VMTOOL_HOME/kernels/; done
modprobe tun
tunctl -t web0 >/dev/null
ip addr add 10.0.9.1/24 dev web0
ip link set web0 up
dd if=/dev/zero of=/tmp/second.img bs=$MB count=4 2>/dev/null

fail() {
	failures=$((failures + 1))
	echo "round $round ($kernel, $board): $1"
	tail -n 5 $VMTOOL_HOME/vms/web/console.log 2>/dev/null | tr -d '\r'
}
guest() { vmtool exec web -- "$@"; }
boot_id() { guest cat /proc/sys/kernel/random/boot_id 2>/dev/null; }
rebooted() { now=$(boot_id) && [ -n "$now" ] && [ "$now" != "$before" ]; }

# What the guest must find, in one line: CPUs, memory within 96 MiB, disks, cards, a second source of random numbers.
finds() {
	guest sh -c 'echo "$(grep -c ^processor /proc/cpuinfo) $(ls -d /sys/block/vd? 2>/dev/null | wc -l) $(ls -d /sys/class/net/eth0 2>/dev/null | wc -l) $(grep -c virtio /sys/class/misc/hw_random/rng_current)
$(awk "/^MemTotal/ { print int(\$2 / 1024) }" /proc/meminfo)"' 2>&1
}

one_round() {
	random 2; cpus=$((number + 1))
	random 5; memory=$((192 + number * 192))
	random 3; disks=$number
	random 2; cards=$number
	random 4; again=$number
	board="$cpus CPUs, $memory MiB, $disks disks, $cards cards"
	set -- web -q --kernel "$kernel" --initrd /lab/initrd --cpus $cpus --memory ${memory}M
	[ $disks -lt 1 ] || { cp /lab/in/disk/ext4.img /tmp/first.img; set -- "$@" --disk /tmp/first.img; }
	[ $disks -lt 2 ] || set -- "$@" --disk /tmp/second.img
	[ $cards -lt 1 ] || set -- "$@" --nic tap=web0 --net 'eth0 address=10.0.9.2/24'
	vmtool start "$@" >/tmp/out 2>&1 || { fail "start: $(cat /tmp/out)"; return; }
	found=$(finds)
	[ "$(echo "$found" | head -n 1)" = "$cpus $disks $cards 1" ] || fail "it finds (CPUs, disks, cards, entropy; memory): $found"
	got=$(echo "$found" | tail -n 1)
	[ "$got" -le $memory ] && [ "$got" -ge $((memory - 96)) ] || fail "of $memory MiB it has $got"
	[ $disks -lt 1 ] || [ "$(guest sh -c 'mkdir /mnt && mount /dev/vda /mnt && cat /mnt/hello && umount /mnt' 2>&1)" = "made by the host" ] ||
		fail "its file system is not there"
	[ $cards -lt 1 ] || ping -c 1 -W 5 10.0.9.2 >/dev/null || fail "it is not reached at its card"
	if [ $again = 0 ]; then
		before=$(boot_id)
		guest reboot -f >/dev/null 2>&1
		within 30 rebooted || fail "it does not come back from a reboot in place"
	fi
	vmtool stop web >/tmp/out 2>&1 || fail "stop: $(cat /tmp/out)"
	tail -n 1 $VMTOOL_HOME/vms/web/events.jsonl | grep -q '"reason":"guest_poweroff"' || fail "it did not power off"
	wrong=$(grep -iE 'BUG:|WARNING:|Oops|Call Trace|general protection|soft lockup' $VMTOOL_HOME/vms/web/console.log | head -n 1)
	[ -z "$wrong" ] || fail "its kernel says: $wrong"
}

round=0
while [ $round -lt "$rounds" ]; do
	for kernel in $kernels; do
		[ $round -lt "$rounds" ] || break
		round=$((round + 1))
		one_round
		vmtool rm -f web >/tmp/out 2>&1 || fail "rm: $(cat /tmp/out)"
		nothing_left || fail "left behind: $(left | xargs) $(processes | xargs)"
	done
	[ $((round % 20)) -ne 0 ] || echo "$round boots, $failures failures"
done
echo "boots: $rounds, $failures failures, SEED=$first_seed"
[ "$failures" -eq 0 ]
