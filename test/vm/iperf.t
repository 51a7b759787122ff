# iperf: what a person measures a guest's network with: iperf3 both ways and ping -f, over a tap by us and by
# vhost-net, which has to be let go and taken again, and over a passt that somebody started; and a rate, both
# ways, by the guest's own clock.
# with: test/vm/host.sh test/vm/outside.sh out/guest/passt.tar out/guest/nettools.tar out/tools/lane
. /lab/in/lib.sh
. /lab/in/host.sh

guest() { vmtool exec web -- "$@"; }
tar -xf /lab/in/nettools.tar -C /
# The shell has a ping of its own, which does not flood.
flood() { /bin/ping -f -q -c "$@"; }
# A ping in the first second of a boot takes the time for unset, and waits for no answer.
awake() { [ "$(guest cut -d. -f1 /proc/uptime)" -ge 1 ]; }
equip() {
	vmtool cp -q /lab/in/nettools.tar web:/tmp/
	guest tar -xf /tmp/nettools.tar -C /
	within 5 awake
}

# measure NAME [WHERE...] -- ARG...: iperf3's report of a transfer. Its seconds are the client's; what stops for
# a retransmission's timeout takes more than its share of them.
of() { awk -v part="\"$1\":" -v key="\"$2\":" '$1 == part { in_it = 1 } in_it && $1 == key { print $2 + 0; exit }' /tmp/report; }
carry() {
	name=$1 where=
	shift
	while [ "$1" != -- ]; do where="$where $1"; shift; done
	shift
	$where iperf3 -J "$@" >/tmp/report || diag "$(grep error /tmp/report)"
	again=$(of sum_sent retransmits) # which TCP alone has
	diag "$name: $(of sum_received bytes) bytes, $(of sum_received bits_per_second) bit/s${again:+, $again sent again}"
}
arrived() { # NAME BYTES MOST_AGAIN
	ok "$1: all of it arrives" test "$(of sum_sent bytes)" -ge "$2"
	ok "$1: without a pause" awk "BEGIN { exit !($(of sum_sent seconds) < 1) }"
	ok "$1: and is sent once" test "$(of sum_sent retransmits)" -le "$3"
}
served() { [ -s /tmp/served ]; } # whoever listens has said so

modprobe tun
modprobe vhost_net
tunctl -t web0 >/dev/null
ip addr add 10.0.9.1/24 dev web0
ip link set web0 up
net='eth0 address=10.0.9.2/24 gateway=10.0.9.1'
# Whether the host's kernel serves the rings: a thread of its, named after the vmm process.
is_vhost() { grep -q "^vhost-$(processes vmm)$" /proc/[0-9]*/comm; }

for vhost in off on; do
	tap="tap, vhost=$vhost"
	start web -q --cpus 2 --nic tap=web0,vhost=$vhost --net "$net"
	[ "$vhost" = off ] || ok "$tap: the host's kernel serves the card's rings" is_vhost
	equip
	guest iperf3 -s -D
	carry "$tap, to the guest" -- -c 10.0.9.2 -n 32M
	arrived "$tap, to the guest" 33554432 10
	carry "$tap, from the guest" -- -c 10.0.9.2 -n 32M -R
	arrived "$tap, from the guest" 33554432 10
	carry "$tap, both at once" -- -c 10.0.9.2 -n 32M --bidir
	ok "$tap, both at once: each way moves" awk "BEGIN { exit !($(of sum_sent bytes) > 4e6 && $(of sum_sent_bidir_reverse bytes) > 4e6) }"
	carry "$tap, datagrams" -- -c 10.0.9.2 -u -b 50M -l 1400 -n 2M
	is "$(of sum lost_packets) of $(of sum packets)" "0 of 1498" "$tap: no datagram is lost on the way to the guest"
	carry "$tap, datagrams from the guest" -- -c 10.0.9.2 -u -b 50M -l 1400 -n 2M -R
	is "$(of sum lost_packets) of $(of sum packets)" "0 of 1498" "nor from it"
	like "$(flood 1000 10.0.9.2)" "1000 packets transmitted, 1000 received, 0% packet loss" "$tap: ping -f: the guest answers each"
	like "$(guest /bin/ping -f -q -c 1000 10.0.9.1)" "1000 packets transmitted, 1000 received, 0% packet loss" "and each answer reaches it"
	like "$(flood 500 -s 1400 10.0.9.2)" " 0% packet loss" "with long ones as well"
	ok "and the VM is there as before" guest true
	[ "$vhost" = on ] || vmtool rm -f web >/dev/null
done

# Another CPU for an interrupt: its vector is masked meanwhile, and what comes then must not be lost.
guest sh -c 'irqs=$(sed -n "s/^ *\([0-9]*\):.*virtio[0-9]*-\(input\|output\)[.]0$/\1/p" /proc/interrupts)
	i=0; while [ $i -lt 60 ]; do for n in $irqs; do echo $((i % 2 + 1)) >/proc/irq/$n/smp_affinity; done; i=$((i + 1)); usleep 2000; done' &
like "$(flood 3000 10.0.9.2)" "3000 packets transmitted, 3000 received, 0% packet loss" "vhost: interrupts that move lose nothing"
wait $!
ok "vhost: they did move" guest sh -c 'awk "/virtio.*-input[.]0/ { exit !(\$2 > 50 && \$3 > 50) }" /proc/interrupts'
boot=$(guest cat /proc/sys/kernel/random/boot_id)
guest reboot -f 2>/dev/null
again() { new=$(guest cat /proc/sys/kernel/random/boot_id 2>/dev/null) && [ "$new" != "$boot" ]; }
ok "vhost: a reboot in place" within 30 again
like "$(flood 300 10.0.9.2)" " 300 received, 0% packet loss" "and the rings are the kernel's again"
ok "by which they are served" is_vhost
# A driver that leaves takes them back, and another gets them.
guest sh -c 'cd /sys/bus/virtio/drivers/virtio_net && d=$(echo virtio*) && echo $d >unbind && echo $d >bind && ip addr add 10.0.9.2/24 dev eth0 && ip link set eth0 up'
like "$(flood 300 10.0.9.2)" " 300 received, 0% packet loss" "vhost: another driver after the first"
ip link del web0
ok "vhost: a tap that is taken away is a cable that is pulled" within 5 guest sh -c '[ "$(cat /sys/class/net/eth0/carrier)" = 0 ]'
ok "and the VM runs on" guest true
vmtool rm -f web >/dev/null

tunctl -t web0 >/dev/null
ip addr add 10.0.9.1/24 dev web0
ip link set web0 up
mv /dev/vhost-net /tmp/
run start web -q --nic tap=web0,vhost=on
is "$rc" 1 "vhost=on without /dev/vhost-net: no start"
like "$err" "/dev/vhost-net: is not there*try: modprobe vhost_net" "and why"
start web -q --nic tap=web0 --net "$net"
ok "where nothing was said the frames go another way" ping -c 2 -W 5 10.0.9.2
like "$(cat "$VMTOOL_HOME/vms/web/agent.log")" "nic tap=web0: No such file or directory: its frames pass through the vmm process" "and it is told once"
vmtool rm -f web >/dev/null
mv /tmp/vhost-net /dev/

# 2 MiB at 2 MiB/s: a tenth of a second's worth may come at once.
start web -q --nic tap=web0,rate=2M --net "$net"
ok "a rate keeps the rings from the kernel" sh -c "! grep -q '^vhost-$(processes vmm)' /proc/[0-9]*/comm"
equip
iperf3 -s -D
keeps() { awk "BEGIN { r = $(of sum_received bits_per_second) / 8 / 2097152; exit !(r > 0.75 && r < 1.12) }"; }
carry "rate=2M, from the guest" guest -- -c 10.0.9.1 -n 4M
ok "a rate is kept from the guest, by its clock" keeps
carry "rate=2M, to the guest" guest -- -c 10.0.9.1 -n 4M -R
ok "and to it" keeps
vmtool rm -f web >/dev/null

. /lab/in/outside.sh
echo 0 2147483647 >/proc/sys/net/ipv4/ping_group_range # passt has no privileges to ping with
tar -xf /lab/in/passt.tar -C /
run inside /usr/bin/passt -q --one-off --socket /tmp/passt.sock -t 5202
is "$rc" 0 "somebody starts passt"
diag "$err"
run start web -q --nic passt=/tmp/passt.sock
is "$rc" 0 "and a VM on its socket"
diag "$err"
equip
guest iperf3 -s -D -p 5202
carry "passt, from the guest" guest -- -c 10.0.7.1 -n 16M
arrived "passt, from the guest" 16777216 100
carry "passt, to the guest" guest -- -c 10.0.7.1 -n 16M -R
arrived "passt, to the guest" 16777216 100
carry "passt, to a port of the guest's" -- -c 10.0.7.5 -p 5202 -n 16M
arrived "passt, to a port of the guest's" 16777216 100
like "$(guest /bin/ping -f -q -c 300 10.0.9.1)" "300 received, 0% packet loss" "passt: ping -f, and each is answered"
ok "and the VM is there as before" guest true
pid=$(pidof passt)
vmtool stop -q web
gone() { [ ! -d "/proc/$pid" ]; }
ok "it ends with the VM, as it was told to" within 5 gone
kill "$(pidof iperf3)"

# A machine by hand, and as many connections of its socket device as there can be, beside one that stands still.
mkdir /tmp/lane
cp /lab/in/lane /tmp/lane/init
(cd /tmp/lane && find . | cpio -o -H newc >/tmp/lane.cpio 2>/dev/null)
vmtool vmm --plain --kernel /lab/vmlinux --initrd /tmp/lane.cpio --append ADDR=10.0.9.2 --nic tap=web0 --vsock /tmp/v.sock \
	</dev/null >/tmp/lane.log 2>&1 &
is "$(/lab/in/lane unix:/tmp/v.sock hold 1022)" 1022 "vsock: a thousand connections at once, and each is served"
is "$(/lab/in/lane unix:/tmp/v.sock hold 300)" 300 "and others, when those have gone"
ok "vmm by hand has a card, too" ping -c 2 -W 5 10.0.9.2
kill $!
wait $!
done_testing
