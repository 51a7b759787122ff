# net: a guest's network card: on a tap of the host's, both ways, both protocols, over a reboot; and on passt,
# which has the lease for it.
# with: test/vm/host.sh test/vm/outside.sh out/guest/passt.tar
. /lab/in/lib.sh
. /lab/in/host.sh

guest() { vmtool exec web -- "$@"; }
begin() {
	start web -q --nic "$@" --net 'eth0 address=10.0.9.2/24 address=fd00:9::2/64 gateway=10.0.9.1'
}
sum() { md5sum | cut -d' ' -f1; }

run begin tap=web0
is "$rc" 1 "a tap that is not there: no start"
like "$err" "nic tap=web0: there is no such interface" "and why"
like "$err" "ip tuntap add dev web0 mode tap" "and what makes it"

modprobe tun
tunctl -t web0 >/dev/null
ip addr add 10.0.9.1/24 dev web0
ip -6 addr add fd00:9::1/64 dev web0
ip link set web0 up

run begin tap=web0
is "$rc" 0 "a guest with a card starts"
diag "$err"
mac=$(guest cat /sys/class/net/eth0/address)
like "$mac" "02:*:*:*:*:*" "its address is nobody else's"
like "$(vmtool show web)" "*nics * tap web0 $mac*" "and shown"
ok "it is reached" ping -c 2 -W 5 10.0.9.2
ok "over IPv6 as well" within 5 ping6 -c 1 -W 2 fd00:9::2
ok "it reaches the host" guest ping -c 2 -W 5 10.0.9.1
ok "over IPv6 as well" guest ping6 -c 2 -W 5 fd00:9::1
ok "with packets in pieces" ping -c 2 -W 5 -s 4000 10.0.9.2

dd if=/dev/urandom of=/tmp/bulk bs=1M count=20 2>/dev/null
want=$(sum </tmp/bulk)
httpd -p 8080 -h /tmp
guest httpd -p 8080 -h /tmp
ok "20 MiB go to it" guest wget -q -O /tmp/bulk http://10.0.9.1:8080/bulk
is "$(guest md5sum /tmp/bulk | cut -d' ' -f1)" "$want" "each byte"
is "$(wget -q -O - http://10.0.9.2:8080/bulk | sum)" "$want" "and back"
is "$(wget -q -O - 'http://[fd00:9::2]:8080/bulk' | sum)" "$want" "and over IPv6"
like "$(guest sh -c 'cat /sys/bus/virtio/drivers/virtio_net/virtio*/features')" "11?1?1?111?111?11*" "the kernels spare each other checksums and segments"

run start other -q --nic tap=web0
is "$rc" 1 "a second VM on this tap: no start"
like "$err" "nic tap=web0: is in use by the VM web*vmtool stop web, or another tap" "and whose it is"
is "$(vmtool ls | grep -c other)" 0 "nothing of it stays"

boot=$(guest cat /proc/sys/kernel/random/boot_id)
guest reboot -f 2>/dev/null
again() { new=$(guest cat /proc/sys/kernel/random/boot_id 2>/dev/null) && [ "$new" != "$boot" ]; }
ok "it reboots in place" within 30 again
ok "and is reached as before" ping -c 2 -W 5 10.0.9.2
is "$(guest cat /sys/class/net/eth0/address)" "$mac" "at the same address"

ip link del web0
ok "a tap that is taken away is a cable that is pulled" within 5 guest sh -c '[ "$(cat /sys/class/net/eth0/carrier)" = 0 ]'
like "$(vmtool ls)" "web * running * yes" "the VM runs on"
run vmtool stop web
is "$rc" 0 "it stops"
vmtool rm -f web

. /lab/in/outside.sh
run inside env VMTOOL_HOME=$VMTOOL_HOME PATH="$PATH" vmtool start web -q --nic passt \
	--kernel /lab/vmlinux --initrd /lab/initrd
is "$rc" 1 "without passt on PATH: no start"
like "$err" "passt: is not on PATH" "and why"
tar -xf /lab/in/passt.tar -C /
run inside env VMTOOL_HOME=$VMTOOL_HOME PATH="$PATH:/usr/bin" vmtool start web -q --nic passt,mac=02:00:00:00:00:07 \
	--kernel /lab/vmlinux --initrd /lab/initrd
is "$rc" 0 "a guest starts on a lease of passt's, for which nobody had to ask"
diag "$err"
is "$(guest ip -4 -o addr show dev eth0 | sed 's/.*inet \([^ ]*\).*/\1/')" 10.0.7.5/24 "the address is the host's"
is "$(guest cat /sys/class/net/eth0/address)" 02:00:00:00:00:07 "the card's is the one asked for"
is "$(guest cat /sys/class/net/eth0/mtu)" 65520 "its frames are as long as passt's"
ok "20 MiB come by it" guest wget -q -O /tmp/bulk http://10.0.7.1:8080/bulk
is "$(guest md5sum /tmp/bulk | cut -d' ' -f1)" "$want" "each byte"
# What ends with its input hangs up on whoever is still sending.
sleep 60 | nc -l -p 5003 >/tmp/out &
dd if=/tmp/bulk of=/tmp/some bs=1M count=4 2>/dev/null # for nc sends a KiB at a time
guest nc -w 30 10.0.7.1 5003 </tmp/some
finished() { ! pidof nc; }
ok "4 MiB reach the host by it" within 20 finished
ok "each byte" cmp -s /tmp/some /tmp/out
pid=$(pidof passt)
vmtool stop -q web
gone() { [ ! -d "/proc/$pid" ]; }
ok "passt ends with the VM" within 5 gone
vmtool rm -f web
done_testing
