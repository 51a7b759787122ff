# start: ready means ready, and whatever goes wrong leaves nothing behind.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

# --- a start ---

run start web
is "$rc" 0 "a VM starts"
is "$out" web "stdout has its name and nothing else"
like "$err" "ready in * ms" "stderr says how long it took"
like "$err" "kernel * ms" "and tells the stages"
run vmtool exec web -- sh -c 'exit 42'
is "$rc" 42 "what was proven ready takes a command at once"
like "$(vmtool ls)" "web * running * yes *" "ls shows it ready"
is "$(vmtool ls -q)" web "ls -q is names only"
like "$(vmtool ls --json)" '"ready": true' "ls --json says so too"
is "$(sockets_of web)" "agent.sock console.sock lock ready.sock vsock.sock vsock.sock_4088 vsock.sock_seqpacket" "its sockets are there"

run vmtool start web
is "$rc" 0 "starting it once more is fine"
like "$err" "already running" "and says so"
run vmtool start web --memory 300M
is "$rc" 1 "but not with other options"
like "$err" "with other options" "for which it says why"

run vmtool rm web
is "$rc" 1 "rm refuses a running VM"
like "$err" "vmtool stop web*rm -f web" "and says the two ways on"

run vmtool stop web
is "$rc" 0 "it stops"
is "$(sockets_of web)" "" "its sockets are gone"
is "$(processes)" "" "and so are its processes"
run vmtool exec web -- true
is "$rc" 125 "exec in a stopped VM is vmtool's failure"
like "$err" "not running (stopped)" "with the reason"

run vmtool start web --memory 300M
is "$rc" 0 "a VM starts again by its vm.ini"
diag "$err"
like "$(cat "$VMTOOL_HOME/vms/web/vm.ini")" "memory = 300M" "with the option given this time kept"
run vmtool rm -f web
is "$rc" 0 "rm -f ends and removes"
is "$(left)" "" "and nothing is left"

events_are_numbered() {
	start web -q >/dev/null && vmtool stop -q web && start web -q >/dev/null && vmtool stop -q web
	sed 's/^{"seq":\([0-9]*\),.*/\1/' "$VMTOOL_HOME/vms/web/events.jsonl" >"$tap_dir/got"
	seq 1 "$(wc -l <"$tap_dir/got")" | cmp -s - "$tap_dir/got"
}
ok "events of two boots have one numbering" events_are_numbered
vmtool rm web

# --- without an initramfs, and in a deep folder ---

run vmtool start bare -q --kernel /lab/vmlinux
is "$rc" 0 "no initramfs is needed: vmtool is all the guest has"
vmtool rm -f bare

deep=$VMTOOL_HOME/$(printf 'x%.0s' $(seq 1 120))
run env VMTOOL_HOME="$deep" vmtool start deep -q --kernel /lab/vmlinux
is "$rc" 0 "sockets work below a path of more than 107 bytes"
run env VMTOOL_HOME="$deep" vmtool exec deep -- /nonexist
is "$rc" 127 "and so does exec"
VMTOOL_HOME=$deep vmtool rm -f deep
rm -rf "$deep"

mkdir -p /tmp/run
export XDG_RUNTIME_DIR=/tmp/run
start web -q >/dev/null
ok "sockets are in XDG_RUNTIME_DIR" test -S /tmp/run/vmtool/web/vsock.sock
run env VMTOOL_HOME=/tmp/other vmtool start web -q --kernel /lab/vmlinux
is "$rc" 1 "two state homes do not share one socket folder"
like "$err" "/tmp/run/vmtool/web is in use" "and the second is told"
is "$(ls /tmp/other/vms)" "" "and left without a VM"
unset XDG_RUNTIME_DIR
run vmtool exec web -- true
is "$rc" 0 "exec finds the sockets without the variable"
vmtool rm -f web

# --- two at once ---

start web -q >"$tap_dir/a" 2>&1 &
first=$!
start web -q >"$tap_dir/b" 2>&1
b=$?
wait $first
a=$?
is "$a/$b" "0/0" "of two starts at once both report a ready VM"
is "$(processes vmm | wc -l)" 1 "and one machine runs"

# --- deaths ---

kill -KILL "$(processes vmm)"
ok "the death of the vmm is seen" within 2 state_is web failed
like "$(vmtool ls --json)" '"reason": "vmm_crash"' "and called what it is"
ok "the agent goes with it" within 2 nobody_runs
is "$(sockets_of web)" "" "and no socket is left"

start web -q >/dev/null
kill -KILL "$(processes agent)"
kill -KILL "$(processes vmm)"
ok "both may be killed" within 2 nobody_runs
like "$(vmtool ls)" "web * failed" "a VM without an agent and a vmm is not shown as running"
like "$(vmtool ls --json)" "its agent before" "and it says why"
run start web
is "$rc" 0 "the next start repairs it"
vmtool rm -f web
is "$(left)" "" "and nothing is left of all that"

# --- cancelled ---

# What it waits for never comes: else a start that is faster than the look at it has succeeded.
cancel() {	# SIGNAL AFTER-STAGE
	vmtool start web --kernel /lab/vmlinux --initrd /lab/initrd --probe 'held exec=false' 2>"$tap_dir/err" &
	starter=$!
	within 10 grep -q "$2" "$tap_dir/err"
	kill "-$1" $starter
	wait $starter
}
# A job in the background ignores SIGINT; TERM and HUP go the same way.
cancel TERM vmm
is "$?" 143 "a start ends with the signal that cancelled it"
is "$(left)" "" "and leaves nothing behind once it has ended"
is "$(processes)" "" "no process either"
cancel HUP prepare
is "$(left)/$(processes)" "/" "whenever that is"
cancel KILL vmm
ok "nor when the starter had no chance to say so" within 5 nothing_left

start web -q >/dev/null && vmtool stop -q web
cancel TERM vmm
ok "a VM that was there before stays" state_is web stopped
vmtool rm web

done_testing
