# systemd: Debian 12 gets process 1 from vmtool's init, which lives on beside its systemd.
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
done_testing
