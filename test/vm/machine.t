# machine: the board a guest finds, asked from inside.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

in_guest() { vmtool exec board -- "$@"; }

# More than 3 GiB, so that RAM goes on above the hole under 4 GiB.
# And the processor's own random numbers do not count: only what the host gives.
run vmtool start board --kernel /lab/vmlinux --initrd /lab/initrd --cpus 2 --memory 3168M --append random.trust_cpu=off
is "$rc" 0 "two CPUs and 3.1 GiB boot"
[ "$rc" = 0 ] || tap_note err "$err"

is "$(in_guest nproc)" 2 "the guest runs on both CPUs"
is "$(in_guest cat /sys/devices/system/cpu/cpu1/topology/core_id)" 1 "which are cores of one package"
kib=$(in_guest awk '/MemTotal/ { print $2 }' /proc/meminfo)
ok "the guest has the memory it was given" test "$kib" -gt 3050000 -a "$kib" -lt 3244032
like "$(in_guest cat /proc/iomem)" "100000000-105ffffff : System RAM" "some of it above 4 GiB"
# More than lies there, in pieces that differ: memory that is there twice would be noticed. Each page that
# is touched first costs an emulated host a fifth of a millisecond.
run in_guest sh -ec 'mkdir /tmp/big; mount -t tmpfs none /tmp/big; cd /tmp/big
	head -c 8388608 /dev/urandom >block
	for i in $(seq 15); do { echo $i; cat block; } >piece.$i; done
	md5sum <block
	for i in $(seq 15); do { read -r n; [ "$n" = $i ]; md5sum; } <piece.$i || echo "piece $i is $n"; done'
is "$(echo "$out" | uniq -c | sed 's/ [0-9a-f]*  -$//')" "     16" "120 MiB written to it are read back"

is "$(in_guest cat /sys/bus/pci/devices/0000:00:01.0/vendor /sys/bus/pci/devices/0000:00:01.0/device | tr '\n' ' ')" \
	"0x1af4 0x1053 " "the socket device sits on PCI bus 0"
ok "and interrupts by MSI-X" sh -c 'vmtool exec board -- grep -q PCI-MSI /proc/interrupts'
is "$(in_guest cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" kvm-clock \
	"the clock is KVM's"
# A pool of random numbers that waits for chance would hold getrandom(2) up, and with it many a program.
like "$(in_guest dmesg)" "0.000000] random: crng init done" "its random numbers are there from the beginning"
is "$(in_guest cat /sys/class/misc/hw_random/rng_current)" virtio_rng.0 "the host gives it more"
run in_guest sh -c 'head -c 100000 /dev/hwrng | wc -c'
is "$out" 100000 "as many as it wants"
ok "and it can tell one life of it from another" in_guest test -e /sys/bus/acpi/drivers/vmgenid/VMGENCTR:00
drift=$(($(in_guest date +%s) - $(date +%s)))
ok "and shows the host's time" test "$drift" -ge -2 -a "$drift" -le 2

# A user's write to the serial port goes on only with the transmit interrupt.
in_guest sh -c 'seq 1 500 | sed "s/^/serial line /" >/dev/ttyS0'
log_has() { vmtool logs board | tr -d '\r' | grep -qx "$1"; }
ok "the last of 500 lines written to the serial port is in the log" within 5 log_has "serial line 500"
is "$(vmtool logs board | grep -c 'serial line')" 500 "and so are all others"
in_guest sh -c 'printf "no end of line" >/dev/ttyS0'
ok "a line without an end is not held back" within 5 sh -c 'vmtool logs board | grep -q "no end of line"'
ok "no error of the kernel's about this board is in it" \
	sh -c '! vmtool logs board | grep -iE "error|fatal|bug:|warning"'

run vmtool stop board
is "$rc" 0 "it powers off"
done_testing
