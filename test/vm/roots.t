# roots: the guest leaves its initramfs for a disk, for a layer over one, for the image's own init.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

start() { vmtool start --timeout 30s --kernel /lab/vmlinux --initrd /lab/initrd "$@"; }
guest() { vmtool exec web -- "$@"; }
events() { cat "$VMTOOL_HOME/vms/web/events.jsonl"; }
console() { cat "$VMTOOL_HOME/vms/web/console.log"; }
# A stage's last word, as in events.jsonl: state and detail.
stage() { events | grep "\"stage\":\"$1\"" | tail -n 1 | sed 's/.*"state":"\([a-z]*\)"\(.*"detail":"\([^"]*\)"\)\{0,1\}.*/\1 \3/'; }
is_gone() { ! vmtool ls | grep -q "^web .* running "; }

disk=/tmp/base.img upper=/tmp/upper.img
truncate -s 16M "$disk"
truncate -s 8M "$upper"
start web -q --disk "$disk" --disk "$upper"
guest sh -ec 'mke2fs -q /dev/vda 2>/dev/null || mke2fs /dev/vda >/dev/null; mkdir /m; mount -t ext4 /dev/vda /m
	cd /m; mkdir bin etc proc sys dev run tmp root; cp /bin/busybox bin; cp /etc/passwd /etc/group etc
	for a in sed readlink sh cat mount umount ls touch sleep init poweroff sync kill id xargs tr ps; do ln -s busybox bin/$a; done
	ln -s bin sbin; : >etc/resolv.conf; echo base >etc/which; echo "root:x:0:0::/root:/bin/sh
new:x:77:77::/root:/bin/sh" >etc/passwd
	printf "::sysinit:/bin/touch /run/sysinit\n::respawn:/bin/sleep 1000\n" >etc/inittab
	cd /; umount /m; mke2fs /dev/vdb >/dev/null'
is "$?" 0 "a root is made"
vmtool stop -q web
vmtool rm web

run start web -q --disk "$disk,ro" --root '/dev/vda ext4 ro' --overlay 'tmpfs 8M'
is "$rc" 0 "a guest starts on an overlay"
diag "$err"
is "$(guest cat /etc/which)" base "it sees the base"
is "$(vmtool exec -u new web -- id -u)" 77 "users are those of the new root"
guest sh -c 'echo changed >/etc/which; touch /new'
is "$(guest cat /etc/which)" changed "it can be written to"
like "$(guest mount)" "overlay on / type overlay" "the root is the overlay"
like "$(guest mount)" "proc on /proc type proc" "what was mounted came along"
is "$(guest ls /run/vmtool/lower/init 2>&1 | tr -d '\n')" "ls: /run/vmtool/lower/init: No such file or directory" "the base has nothing of ours"
vmtool rm -f web
run start web -q --disk "$disk,ro" --root '/dev/vda ext4 ro' --overlay tmpfs -- sh -c 'cat /etc/which; exit 7'
ok "a main process runs on such a root" within 10 is_gone
like "$(events | tail -n 1)" '"status":7' "with its own status"
like "$(console)" "base" "and nothing of what another VM wrote"
vmtool rm web

for n in 1 2; do
	run start web -q --disk "$disk,ro" --disk "$upper" --root '/dev/vda ext4 ro' --overlay '/dev/vdb ext4'
	guest sh -c 'echo "$(cat /etc/which) +" >/etc/which'
	last=$(guest cat /etc/which)
	vmtool stop -q web
	vmtool rm web
done
is "$last" "base + +" "what is written to a second disk is there the next time"

run start web -q --disk "$disk,ro" --root '/dev/vda ext4 ro' --dns 10.0.2.3
like "$(guest touch /etc/new 2>&1)" "Read-only" "a root that cannot be written to"
is "$(guest cat /etc/resolv.conf)" "nameserver 10.0.2.3" "has the host's resolv.conf over its own"
is "$(stage resolv.conf)" "done " "and nothing has failed"
vmtool rm -f web

run start web -q --append vmtool.wait=300ms --root /dev/vdz -- sh -c 'exit 3'
is "$rc" 0 "a guest without its root is ready for whoever helps it"
like "$(stage devices)" "failed no /dev/vdz after 300 ms: there is no disk" "the device is named, with those there are"
like "$(stage main)" "failed sh was not started, because stage devices failed" "and main not started elsewhere"
is "$(guest cat /proc/sys/kernel/hostname)" web "it can be reached"
vmtool rm -f web

# --- the image's own init ---

# It is handed over behind the stages, and those wait for an interface that we make.
start_waiting() {
	start web -q --disk "$disk" --root '/dev/vda ext4' --init /sbin/init --append vmtool.wait=25s \
		--net 'eth0 address=10.0.0.2/24' >"$tap_dir/started" 2>&1 &
	starter=$!
}
plug_in() { early tunctl -t eth0 >/dev/null; }
early() { vmtool exec "unix:$VMTOOL_HOME/run/web/vsock.sock" -- "$@"; }
serves() { [ -S "$VMTOOL_HOME/run/web/vsock.sock" ] && early true 2>/dev/null; }
start_waiting
ok "commands run before the hand-over" within 15 serves
is "$(early cat /proc/1/comm)" init "when process 1 is still ours"
mkfifo "$tap_dir/go"
early sh -c 'read -r code; exit "$code"' <"$tap_dir/go" &
across=$!
exec 9>"$tap_dir/go"
plug_in
wait $starter
is "$?" 0 "a guest is handed over"
diag "$(cat "$tap_dir/started")"
is "$(guest readlink /proc/1/exe)" /bin/busybox "process 1 is the image's"
ok "which does its work" within 5 guest cat /run/sysinit
echo 7 >&9
wait $across
is "$?" 7 "a command that ran across it has its own status"
run guest sh -c 'exit 42'
is "$rc" 42 "commands run as before"
is "$(guest sh -c 'for i in 1 2 3; do sh -c "exit $i"; echo $?; done' | xargs)" "1 2 3" "one behind the other"
guest sh -c 'for p in /proc/[0-9]*; do tr "\0" "\n" <$p/cmdline | sed q; done' >"$tap_dir/names"
exec 9>&-
ok "the agent asks not to be ended with the others" grep -q '^@' "$tap_dir/names"
run vmtool stop web
is "$rc" 0 "stop asks the image's init"
like "$(events | tail -n 1)" '"reason":"guest_poweroff"' "which powers off"
vmtool rm web

# Process 1 takes over from an agent that is killed before its time.
start_waiting
within 15 serves
early sh -c 'kill -9 $PPID' 2>/dev/null
ok "process 1 serves in the place of an agent that is killed too early" within 8 serves
plug_in
said() { console | grep -q "the agent was killed before /sbin/init could be started"; }
ok "and says so" within 15 said
wait $starter
is "$?" 0 "also to its host, which hears its beacon as it heard the other's"
like "$(stage handover)" "failed the agent was killed before /sbin/init" "and what came of it"
run guest cat /proc/1/comm
is "$rc/$out" "0/init" "the VM is of use"
run vmtool stop web
is "$rc" 0 "and is stopped in order"
vmtool rm web

run start web -q --init /sbin/nosuch
like "$(stage handover)" "failed /sbin/nosuch: No such file" "an init that is not there is a stage that failed"
run guest true
is "$rc" 0 "and the guest stays"
run vmtool stop web
is "$rc" 0 "and powers off"
vmtool rm web

done_testing
