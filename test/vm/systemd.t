# systemd: Debian 12 gets process 1 from vmtool's init, which lives on beside its systemd; or has nothing of ours.
# with: test/vm/host.sh test/vm/stock.sh out/tools/term out/guest/debian/root.img
. /lab/in/lib.sh
. /lab/in/host.sh
. /lab/in/stock.sh
ours="handed over"

run booted --initrd /lab/initrd --root '/dev/vda ext4' --init /sbin/init
is "$rc" 0 "$ours: it starts"
diag "$err"
is_whole
survives_reexec
leave_unit
reboots
is "$(guest cat /var/tmp/stopped)" stopped "$ours: its units were stopped one by one"
stops

# Its SSH server greets on a network that its own systemd has set up.
ours="nothing of ours"
modprobe tun
tunctl -t web0 >/dev/null
ip addr add 10.0.9.1/24 dev web0
ip link set web0 up
gate=vm_alive
network="ip=10.0.9.2::10.0.9.1:255.255.255.0::eth0:off systemd.wants=systemd-network-generator.service"
run booted --plain --nic tap=web0 --banner 10.0.9.2:22 \
	--append "root=/dev/vda rw net.ifnames=0 $network systemd.wants=systemd-networkd.service"
is "$rc" 0 "$ours: it is ready once its SSH server greets"
diag "$err"
presses
done_testing
