# stop: the rung that ended a VM is said, and every end is called by its name.
# with: test/vm/host.sh out/tools/intruder
. /lab/in/lib.sh
. /lab/in/host.sh

reason_is() { tail -n 1 "$VMTOOL_HOME/vms/web/events.jsonl" | grep -q "\"reason\":\"$1\""; }

start web -q >/dev/null
run vmtool stop web
is "$rc" 0 "a VM stops"
like "$err" "powered off by the guest * disks synced (rung guest)" "by its guest, which confirmed the sync"
ok "it is shown as stopped" state_is web stopped
like "$(vmtool show web)" "rung * guest" "with the rung that ended it"
run vmtool stop web
is "$rc" 0 "stopping it once more is fine"
like "$err" "is not running (stopped)" "and says so"
run vmtool stop nobody
is "$rc" 1 "there is no stopping what is not there"
like "$err" "there is no VM of this name" "and it says so"

start web -q >/dev/null
run vmtool stop -f web
like "$err" "(rung kill)" "by force, nobody is asked"
is "$(left)/$(processes)" "web/" "and the VM stays, alone"

# A machine that hangs: neither the guest nor SIGTERM gets through.
start web -q >/dev/null
kill -STOP "$(processes vmm)"
run vmtool stop --timeout 1s web
is "$rc" 0 "a machine that hangs is stopped"
like "$err" "not confirmed as synced (rung kill)" "by the last rung, with no promise about its disks"

# An agent that hangs.
start web -q >/dev/null
kill -STOP "$(processes agent)"
run vmtool stop --timeout 0s web
is "$rc" 0 "a VM whose agent hangs is stopped"
like "$err" "its agent did not answer and was killed" "and it says so"
is "$(left)/$(processes)" "web/" "with nothing left of either"
like "$(tail -n 1 "$VMTOOL_HOME/vms/web/events.jsonl")" '"event":"exit","reason":"killed"*"rung":"kill"' "and its end is written down"
ok "it is shown as stopped" state_is web stopped

# Two who want it to stop.
start web -q >/dev/null
vmtool stop web 2>"$tap_dir/a" &
pid=$!
run vmtool stop web
wait $pid
is "$?/$rc" "0/0" "two may stop it at once"

# Ends nobody outside asked for.
end() {	# COMMAND...
	start web -q --reboot end >/dev/null
	vmtool exec web -- "$@" 2>/dev/null
}
end poweroff
ok "a guest that powers off" within 10 state_is web stopped
ok "is guest_poweroff" reason_is guest_poweroff
end reboot
ok "a guest that reboots" within 10 state_is web stopped
ok "is guest_reboot" reason_is guest_reboot
start web -q --memory 64M >/dev/null
vmtool exec web -- sh -c 'echo 1 >/proc/sys/vm/panic_on_oom; exec tail /dev/zero' 2>/dev/null
ok "a kernel that panics has failed" within 10 state_is web failed
ok "and is panic" reason_is panic
like "$(tail -n 1 "$VMTOOL_HOME/vms/web/events.jsonl")" "Kernel panic - not syncing" "with the kernel's line"

last_event() { tail -n 1 "$VMTOOL_HOME/vms/web/events.jsonl"; }
start web -q --reboot end --append reboot=triple >/dev/null
vmtool exec web -- reboot 2>/dev/null
ok "a guest that faults three times over" within 10 state_is web stopped
like "$(last_event)" '"reason":"guest_reboot"*"triple fault"' "has rebooted, and by which way is said"

# What the kernel says of a vmm that root has started.
start web -q >/dev/null
pid=$(processes vmm)
for kind in user net mnt ipc uts cgroup; do
	[ "$(readlink "/proc/$pid/ns/$kind")" != "$(readlink /proc/self/ns/$kind)" ] || echo "$kind"
done >"$tap_dir/shared"
is "$(cat "$tap_dir/shared")" "" "a vmm shares no namespace of the host's"
is "$(sed -n 's/^CapEff:[ \t]*//p; s/^CapPrm:[ \t]*//p' "/proc/$pid/status" | sort -u)" 0000000000000000 "and has no capability in its own"
vmtool rm -f web >/dev/null

most=$(cat /proc/sys/user/max_user_namespaces)
echo 0 >/proc/sys/user/max_user_namespaces
run start web -q
is "$rc" 0 "a host that permits no user namespaces has VMs all the same"
ok "and root's are in a network of their own" [ "$(readlink "/proc/$(processes vmm)/ns/net")" != "$(readlink /proc/self/ns/net)" ]
like "$(su user -c 'VMTOOL_HOME=/tmp/user vmtool doctor' 2>&1)" "*sandbox note *no namespaces: *try: sysctl -w user.max_user_namespaces=*" "doctor says what another lacks"
echo "$most" >/proc/sys/user/max_user_namespaces
vmtool rm -f web >/dev/null

# taken CALL THREAD: a thread of the vmm asks the host's kernel for what none of them needs.
taken() {
	start web -q >/dev/null
	/lab/in/intruder "$(ls "/proc/$(processes vmm)/task" | sed -n "$2p")" "$1"
	ok "a vmm process that was taken over ends (thread $2)" within 10 state_is web failed
}
taken 257 1
like "$(last_event)" '"reason":"error"*"the sandbox ended the vmm process: it asked the host'*' for openat,*' \
	"and what its loop tried is named"
taken 59 2
like "$(last_event)" '"reason":"error"*"the sandbox ended the vmm process: it asked the host'*' for execve,*' \
	"and what its virtual CPU tried"

# logs
start web -q >/dev/null
vmtool logs -f web >"$tap_dir/log" &
pid=$!
vmtool exec web -- sh -c 'echo mark >/dev/console'
ok "logs -f follows" within 5 grep -q mark "$tap_dir/log"
vmtool stop -q web
wait $pid
is "$?" 0 "and ends with the VM"
is "$(vmtool logs web | grep -c mark)" 1 "logs prints what was said"

vmtool rm web
is "$(left)" "" "nothing is left"
done_testing
