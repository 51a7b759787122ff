# adopt: a VM outlives its agent, and whatever becomes of it meanwhile is told by the next command.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

events=$VMTOOL_HOME/vms/web/events.jsonl
kill_agent() { slay $(processes agent); }
boot_of() { vmtool show --json web | sed -n 's/.*"boot": "\([^"]*\)".*/\1/p' | head -n 1; }
follows() { grep -c "$1" "$events"; }

start web -q -p 8085:85 >/dev/null
boot=$(boot_of) vmm=$(processes vmm)
vmtool exec web -- sh -c 'echo kept >/tmp/mark'

# What was said while it runs holds for the run, whoever looks after it.
vmtool forward add web kept=:80 >/dev/null
vmtool forward add web auto:3000-3999
vmtool forward rm web 8085
forwards=$(vmtool forward ls --json web | grep -o '"\(name\|host\|guest\)": "[^"]*"')
like "$forwards" '*"kept"*"guest": "localhost:80"*' "a VM has a forward that its vm.ini does not know"

# --- another command finds it ---

vmtool exec web -- sh -c 'echo here; while [ ! -e /tmp/go ]; do sleep 0.1; done; exit 9' >"$tap_dir/out" 2>&1 &
session=$!
ok "a command runs" within 5 grep -q here "$tap_dir/out"
kill_agent
is "$(processes vmm)" "$vmm" "without its agent the machine runs on"
run vmtool exec web -- sh -c 'touch /tmp/go; cat /tmp/mark'
is "$rc/$out" "0/kept" "exec reaches the guest of a VM whose agent has died"
wait $session
is "$?" 9 "and a session that ran goes on to its end"
is "$(processes agent | wc -l)" 1 "a new agent looks after it"
like "$(vmtool ls)" "web * running * yes" "ls shows it running and ready"
is "$(boot_of)" "$boot" "in the same boot"
is "$(processes vmm)" "$vmm" "of the same machine"
ok "the guest says hello to the new agent" within 15 grep -q '"event":"agent","who":"host","state":"back"' "$events"
is "$(grep -c '"event":"ready"' "$events")" 1 "it is not ready a second time"
is "$(grep -c '"origin":"guest","stage":"mounts","state":"done"' "$events")" 1 "and no stage is told twice"
sed 's/^{"seq":\([0-9]*\),.*/\1/' "$events" >"$tap_dir/seq"
seq 1 "$(wc -l <"$tap_dir/seq")" >"$tap_dir/want"
ok "the events go on in one numbering" cmp -s "$tap_dir/seq" "$tap_dir/want"
is "$(vmtool forward ls --json web | grep -o '"\(name\|host\|guest\)": "[^"]*"')" "$forwards" "its forwards are as they were, under the same ports"
vmtool exec -d web -- nc -l -p 3333 >/dev/null
is_forwarded() { vmtool forward ls web | grep -q :3333; }
ok "and rules for ports to come still hold" within 10 is_forwarded
run vmtool start web
is "$rc" 0 "starting it is fine"
like "$err" "already running" "and says that it runs"

# --- several at once find it ---

kill_agent
for i in 1 2 3 4; do vmtool ls >"$tap_dir/ls.$i" & done
wait
is "$(processes agent | wc -l)" 1 "of several commands at once one makes the new agent"
is "$(cat "$tap_dir"/ls.* | grep -c "web * running")" 4 "and all see it running"

# --- and its state is damaged, too ---

kill_agent
head -c 100 "$VMTOOL_HOME/vms/web/state.json" >"$tap_dir/cut"
cp "$tap_dir/cut" "$VMTOOL_HOME/vms/web/state.json"
run vmtool ls
like "$out" "web * running" "a machine whose agent and state are gone is found again"
like "$err" "web: its state.json was damaged; its machine runs, and gets another agent" "and that is said"
run vmtool wait --for ready --timeout 30s web
is "$rc/$(boot_of)/$(processes vmm)" "0/$boot/$vmm" "it is proven ready anew, in the boot that its events tell"
is "$(vmtool exec web cat /tmp/mark)" kept "the guest is the same"
like "$(vmtool ls --no-header --columns cpus,memory,uptime web)" "1 *256 MiB *[0-9]*s" "its size is vm.ini's, and it has been up as long as its process"

# --- stop ---

kill_agent
run vmtool stop web
is "$rc" 0 "a VM whose agent has died is stopped"
like "$err" "disks synced (rung guest)" "by its guest, with its disks synced"
ok "nothing runs any more" within 5 nobody_runs
is "$(sockets_of web)" "" "and no socket is left"

# --- its end, while nobody looked ---

start web -q >/dev/null
is "$(vmtool forward ls --json web | grep -c '"kept"')" 0 "another run has what its vm.ini says, and no more"
kill_agent
kill -KILL "$(processes vmm)"
ok "the vmm dies as well" within 5 nobody_runs
like "$(vmtool ls --json)" '"reason": "vmm_crash"' "a vmm that was killed meanwhile is a crash"
ok "shown as failed" state_is web failed
like "$(tail -n 1 "$events")" '"event":"exit","reason":"vmm_crash"' "and written down"
is "$(sockets_of web)" "" "no socket is left"

start web -q >/dev/null
vmtool exec web -- sh -c '(sleep 1; poweroff) >/dev/null 2>&1 &'
kill_agent
ok "the guest powers off" within 10 nobody_runs
like "$(vmtool ls --json)" '"reason": "guest_poweroff"' "that the guest powered off meanwhile is told"
ok "it is stopped, not failed" state_is web stopped
vmtool rm web

# --- the main process ends while nobody looks ---

vmtool start job -q --kernel /lab/vmlinux --initrd /lab/initrd -- sh -c 'echo $$ >/tmp/pid; while ! [ -e /tmp/go ]; do sleep 0.1; done; exit 7' >/dev/null
job=unix:$VMTOOL_HOME/run/job/vsock.sock	# by its path, so that nothing looks after the VM
kill_agent
vmtool exec "$job" -- touch /tmp/go
ended_inside() { vmtool show "$job" | grep -q '^guest.main.state *ended'; }
ok "it ends while no agent is there" within 30 ended_inside
is "$(processes agent)" "" "which calls nobody"
vmtool ls >/dev/null
ok "it powers off when somebody has heard its status" within 30 state_is job stopped
like "$(tail -n 1 "$VMTOOL_HOME/vms/job/events.jsonl")" '"reason":"main_exited","status":7' "the status is not lost"
vmtool rm job

# --- the start under way ---

vmtool start web --banner 2222 --kernel /lab/vmlinux --initrd /lab/initrd >"$tap_dir/start" 2>&1 &
starter=$!
ok "a start is under way" within 30 grep -q vmm "$tap_dir/start"
kill_agent
is_up() { vmtool show web | grep -q '^conditions.agent_up *yes'; }
ok "its guest is up under another agent" within 60 is_up
like "$(vmtool show web)" "state * starting*conditions.ssh_banner * no" "which has seen no SSH server, and does not call it ready"
printf 'SSH-2.0-late\r\n' | nc -l -p 2222 >/dev/null &
wait $starter
is "$?" 0 "a start whose agent is killed gets another, and becomes ready"
diag "$(cat "$tap_dir/start")"
like "$(vmtool show --json web)" "greeted as SSH-2.0-late" "once a server has greeted that one"
ok "it runs" state_is web running
vmtool rm -f web

# Another command sees it first: frozen, the starter cannot. Not ready before there is a file.
vmtool start web --probe 'held exec=test -e /tmp/go' --kernel /lab/vmlinux --initrd /lab/initrd >"$tap_dir/start" 2>&1 &
starter=$!
ok "a start is under way" within 30 grep -q exec "$tap_dir/start"
# In the lab's time, which counts instructions.
ran_ns() { cat /proc/$starter/schedstat "/proc/$(processes agent)/schedstat" | awk '{ n += $1 } END { printf "%d", n }'; }
began=$(ran_ns)
sleep 10 # this is the wait
took=$((($(ran_ns) - began) / 1000))
diag "start and its agent ran for $took us of 10 s"
ok "who waits for ten seconds runs for less than a tenth of one" [ "$took" -gt 0 -a "$took" -lt 100000 ]
kill -STOP $starter
kill_agent
vmtool ls >/dev/null
is "$(processes agent | wc -l)" 1 "another command gives the VM its new agent"
kill -CONT $starter
ok "its start looks on" within 10 grep -q "another command started" "$tap_dir/start"
kill_agent
vmtool ls >/dev/null
is "$(processes agent | wc -l)" 1 "that one dies as well, and there is a third"
vmtool exec "unix:$VMTOOL_HOME/run/web/vsock.sock" -- touch /tmp/go
wait $starter
is "$?" 0 "its start follows those, until it is ready"
diag "$(cat "$tap_dir/start")"
ok "it runs" state_is web running
vmtool rm -f web

# --- run ---

vmtool run --name web --timeout 120s --kernel /lab/vmlinux --initrd /lab/initrd -- sh -c 'echo here; sleep 2; exit 6' >"$tap_dir/run" 2>&1 &
run=$!
ok "a main process runs" within 90 grep -q here "$tap_dir/run"
kill_agent
wait $run
is "$?" 6 "a run whose agent is killed hears how its command ended"
ok "and nothing is left" within 5 nothing_left

vmtool run --name web --timeout 120s --kernel /lab/vmlinux --initrd /lab/initrd -- sh -c 'echo here; sleep 100' >"$tap_dir/run" 2>&1 &
run=$!
ok "a main process runs" within 90 grep -q here "$tap_dir/run"
kill -STOP $run
kill_agent
kill -KILL $run
wait $run
vmtool ls >/dev/null
ok "with its starter dead too, the next command ends a run's VM" within 30 nothing_left

is "$(left)/$(processes)" "/" "nothing is left"
done_testing
