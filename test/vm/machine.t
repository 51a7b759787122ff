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

is "$(awk '/^FDSize/ { print $2 }' "/proc/$(processes vmm)/status")" 2048 \
	"its vmm's table of descriptors has its size: none of its threads will wait for it to grow"
is "$(in_guest nproc)" 2 "the guest runs on both CPUs"
name_of() { sed -n 's/^model name[^:]*: //p' | head -n 1; }
is "$(in_guest cat /proc/cpuinfo | name_of)" "$(name_of </proc/cpuinfo)" "which have the host's name"
is "$(in_guest cat /sys/devices/system/cpu/cpu0/topology/thread_siblings_list)" 0 "and are cores, not threads of one"
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

# What it frees it reports, two seconds later, in blocks of 2 MiB.
kept() { awk "/^$1:/ { print \$2 }" "/proc/$(processes vmm)/status"; }
full=$(kept RssAnon)
in_guest umount /tmp/big
given_back() { [ "$(kept RssAnon)" -lt $((full - 60000)) ]; }
ok "what it frees of that is the host's again" within 30 given_back
diag "the vmm has $full KiB with 128 MiB in use, and $(kept RssAnon) KiB after"

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

# --- how the host keeps its memory ---

in_small() { vmtool exec small -- "$@"; }
counted() { in_small awk "\$1 == \"$1\" { print \$2 }" /proc/vmstat; }
start small -q --memory 192M --balloon 96M >/dev/null
inflated() { [ "$(counted balloon_inflate)" = 24576 ]; }
ok "a guest leaves the host as much as it was asked to" within 30 inflated
is "$(counted balloon_deflate)" 0 "and keeps to that"
# More than it has left: its kernel asks for it back before it kills.
run in_small sh -c 'mkdir /tmp/most; mount -t tmpfs -o size=130M none /tmp/most; head -c 110000000 /dev/zero >/tmp/most/file; wc -c </tmp/most/file'
is "$rc/$out" "0/110000000" "until it would run out of memory"
ok "when it takes some of that back" test "$(counted balloon_deflate)" -gt 0
vmtool stop -q small

run start kept -q --memory 64M --huge-pages reserved
is "$rc" 1 "huge pages that the host has not set aside are not made up"
like "$err" "the host has not set aside 32 free huge pages of 2 MiB*try: sysctl -w vm.nr_hugepages=32" "and the sentence says how many, and how"
echo 32 >/proc/sys/vm/nr_hugepages
run start kept -q --memory 64M --huge-pages reserved --prefault
is "$rc" 0 "with as many it starts"
is "$(kept HugetlbPages)" 65536 "on them, and with all of them from the beginning"
vmtool stop -q kept
start kept -q --memory 64M --prefault --huge-pages no >/dev/null
ok "all of it can be there in small pages, too" test "$(kept RssAnon)" -gt 65536

# Without a serial port the kernel's last words reach nobody; the panic device is told all the same.
vmtool exec kept -- sh -c 'cd /sys/bus; for port in pnp/drivers/serial/*:* platform/drivers/serial8250/serial8250; do
	[ ! -e $port ] || echo ${port##*/} >${port%/*}/unbind; done; echo c >/proc/sysrq-trigger' 2>/dev/null
ok "a kernel that panics ends its VM" within 10 state_is kept failed
ok "also where it can tell nobody" sh -c "! grep -q 'Kernel panic' $VMTOOL_HOME/vms/kept/console.log"
like "$(tail -n 1 "$VMTOOL_HOME/vms/kept/events.jsonl")" '"event":"exit","reason":"panic"' "by its panic device"
done_testing
