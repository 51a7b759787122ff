# agent: a host can see into its guest, and the guest's end is orderly and told.
# with: test/vm/host.sh out/tools/peer
. /lab/in/lib.sh
. /lab/in/host.sh

events=$VMTOOL_HOME/vms/web/events.jsonl
shows() { vmtool show --json web | grep -q -- "$1"; }

start web -q >/dev/null
run vmtool show --json web
is "$rc" 0 "show tells of a VM"
like "$out" '"state": "running"' "what is true of it"
like "$out" '"pid1": "vmtool"' "and what its guest says: who is process 1"
like "$out" '"hostname": "web"' "its name"
like "$out" '"exec"' "what it can do"
like "$out" '"guest_error": null' "without a complaint"
ok "its clock is compared" within 5 shows '"ahead_ms"'
vmtool exec web -- sh -c 'nc -l -p 8080 -e cat >/dev/null 2>&1 </dev/null & echo $!' >"$tap_dir/pid"
ok "who begins to listen is seen" within 5 shows '"port": 8080'
vmtool exec web -- kill "$(cat "$tap_dir/pid")"
nobody_listens() { ! shows '"port": 8080'; }
ok "and who stops to" within 5 nobody_listens

# A vmm that hangs: what the host knows is told all the same.
kill -STOP "$(processes vmm)"
run vmtool show --json web
kill -CONT "$(processes vmm)"
is "$rc" 0 "a guest that hangs does not hang show"
like "$out" '"state": "running"' "which tells what it knows"
like "$out" '"guest_error": "no' "and that the guest is silent"

# A shutdown that lasts: a command withstands TERM, and meanwhile another is asked for.
vmtool exec web -- sh -c 'trap "" TERM; echo here; while :; do sleep 1; done' >"$tap_dir/stubborn" 2>&1 &
stubborn=$!
ok "a command runs that does not end on TERM" within 5 grep -q here "$tap_dir/stubborn"
vmtool exec web -- poweroff 2>/dev/null
ok "the guest powers off" within 5 grep -q '"stage":"poweroff","state":"begin"' "$events"
run vmtool exec web -- true
is "$rc" 125 "a command that is asked for meanwhile is refused"
like "$err" "the guest is powering off" "with the reason"
wait $stubborn
is "$?" 137 "the one that ran hears how it was ended"
ok "the guest has powered off" within 10 state_is web stopped
line_of() { grep -n "$1" "$events" | tail -n 1 | cut -d: -f1; }
follows() { [ -n "$(line_of "$1")" ] && [ "$(line_of "$1")" -lt "$(line_of "$2")" ]; }
ok "commands were asked to end first" follows '"stage":"sessions"' '"stage":"term"'
ok "and killed when they did not" follows '"stage":"term","state":"failed"' '"stage":"kill"'
ok "then disks were synced" follows '"stage":"kill"' '"stage":"sync"'

# The host asks: the sync is acknowledged before the power goes.
start web -q >/dev/null
vmtool stop web 2>"$tap_dir/stop"
like "$(cat "$tap_dir/stop")" "disks synced (rung guest)" "a stop hears that the disks are synced"
ok "the sync is over before the power goes" follows '"stage":"sync","state":"done"' '"event":"exit"'
run vmtool show web
is "$rc" 0 "a VM that does not run is shown as well"
like "$out" "guest_poweroff" "with how it ended"
vmtool rm web

# The main process gets a signal of the host's (FRAME_SIGNAL_MAIN; there is one, there is none).
vmtool start web -q --kernel /lab/vmlinux --initrd /lab/initrd -- sh -c 'trap "exit 7" USR1; echo here; while :; do sleep 0.1; done' >/dev/null
says_here() { vmtool logs web | grep -q here; }
ok "a main process runs" within 10 says_here
agent_port=mux:$VMTOOL_HOME/run/web/vsock.sock:4088
like "$(/lab/in/peer hex "$agent_port" 370000000400000000)" 02000000210006 "signal 0 for the main process is refused: it breaks the protocol"
is "$(/lab/in/peer hex "$agent_port" 37000000040000000a)" 3700000000 "one that is a signal is acknowledged"
ok "and arrives" within 10 state_is web stopped
like "$(cat "$events")" '"reason":"main_exited","status":7' "at the main process"
vmtool rm web

# The main process is killed from outside.
vmtool run --name web --kernel /lab/vmlinux --initrd /lab/initrd -- sh -c 'echo here; exec sleep 100' >"$tap_dir/run" 2>&1 &
run=$!
ok "a main process runs" within 30 grep -q here "$tap_dir/run"
like "$(vmtool show --json web | tr -d '\n')" '"state": "running",   "pid"' "and the guest knows which it is"
vmtool exec web -- sh -c 'kill -9 $(pidof sleep)'
wait $run
is "$?" 137 "killed, its code is the run's"
ok "nothing is left" within 5 nothing_left
done_testing
