# machine: the board a guest finds, asked from inside.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

in_guest() { vmtool exec board -- "$@"; }

# More than 3 GiB, so that RAM goes on above the hole under 4 GiB.
run vmtool start board --kernel /lab/vmlinux --initrd /lab/initrd --cpus 2 --memory 3400M
is "$rc" 0 "two CPUs and 3.4 GiB boot"
[ "$rc" = 0 ] || tap_note err "$err"

is "$(in_guest nproc)" 2 "the guest runs on both CPUs"
is "$(in_guest cat /sys/devices/system/cpu/cpu1/topology/core_id)" 1 "which are cores of one package"
kib=$(in_guest awk '/MemTotal/ { print $2 }' /proc/meminfo)
ok "the guest has the memory it was given" test "$kib" -gt 3200000 -a "$kib" -lt 3481600
run in_guest sh -c 'mkdir /tmp/big && mount -t tmpfs -o size=600m none /tmp/big &&
	dd if=/dev/zero bs=1M count=500 2>/dev/null | tr "\0" "x" >/tmp/big/x && md5sum </tmp/big/x'
is "$out" "$(dd if=/dev/zero bs=1M count=500 2>/dev/null | tr '\0' x | md5sum)" \
	"500 MiB written to it are read back"

is "$(in_guest cat /sys/bus/pci/devices/0000:00:01.0/vendor /sys/bus/pci/devices/0000:00:01.0/device | tr '\n' ' ')" \
	"0x1af4 0x1053 " "the socket device sits on PCI bus 0"
ok "and interrupts by MSI-X" sh -c 'vmtool exec board -- grep -q PCI-MSI /proc/interrupts'
is "$(in_guest cat /sys/devices/system/clocksource/clocksource0/current_clocksource)" kvm-clock \
	"the clock is KVM's"
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
