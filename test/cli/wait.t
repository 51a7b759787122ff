# wait: until it is so, until it cannot be any more, or until the time is up.
. test/lib.sh
. test/cli/vms.sh

# waits ARG...: in the background; waited WANT NAME: its exit code.
waits() { "$vmtool" wait "$@" >out 2>err & waiter=$!; }
# In poll(2): it has looked, and nothing was so yet.
sleeps() { grep -q '^7 ' "/proc/$waiter/syscall"; }
waited() {
	wait "$waiter"
	is $? "$1" "$2"
}

for bad in "--for flying web" "--for ready=maybe web" "--for probe: web" "--timeout soon web" ""; do
	# shellcheck disable=SC2086
	run "$vmtool" wait $bad
	is "$rc" 2 "wait $bad is wrong usage"
done
run "$vmtool" wait web
is "$rc" 1 "nobody waits for a VM that is not there"
run "$vmtool" wait --for gone web
is "$rc" 0 "except for that"
run "$vmtool" wait --for exists --timeout 100ms web
is "$rc" 124 "a deadline is 124"
like "$err" "exists: there is no VM of this name" "and what was missing is said"

waits --for exists --for ready web
"$vmtool" create web --kernel "$kernel" >/dev/null
run "$vmtool" wait --for ready --timeout 100ms web
is "$rc" 124 "one that was only made is not ready"
like "$err" "ready: the VM is created" "but what it is"
vm_up web
waited 0 "one that was to come was waited for"
like "$(cat err)" "web: ready after * ms" "and it is said how long"
id=$("$vmtool" ls --no-header --columns id web)
run "$vmtool" wait -q --for running --for vm_alive --for stopped=false "$id"
is "$rc/$out$err" "0/" "what is so already is not waited for"
run "$vmtool" wait --for stopped --for ready --timeout 50ms web
is "$rc" 124 "of several, all"
like "$err" "stopped: the VM is running, and ready" "and the one that is missing is named"
run "$vmtool" wait --any --for stopped --for ready web
is "$rc" 0 "or any"

waits --for agent_up=false web
vm_tell web "down agent_up"
waited 0 "a condition is waited out"
waits --for ready web
vm_tell web "up agent_up"
waited 0 "and waited for"

# What the waiter is told of costs nothing while nothing happens.
waits --for ssh_banner web
ok "it waits" within 10 sleeps
quiet() {
	before=$(awk '/ctxt/ { n += $2 } END { print n }' "/proc/$waiter/status")
	sleep 1
	[ "$before" = "$(awk '/ctxt/ { n += $2 } END { print n }' "/proc/$waiter/status")" ]
}
ok "without waking up" within 10 quiet
vm_tell web "exit panic"
waited 1 "its end ends that"
like "$(cat err)" "web: has ended: panic" "with the reason"
run "$vmtool" wait web
is "$rc" 1 "one that failed has ended, and that is a no"
like "$err" "web: has failed: panic" "with the reason"
run "$vmtool" wait --for stopped web
is "$rc" 0 "but it is stopped"
waits --for ready web
vm_up web
waited 0 "a further start is waited for"

# the main process's code
waits web
vm_tell web "exit main_exited 7"
waited 0 "an end is waited for"
is "$(cat out)" 7 "and the main process's code is the result"
vm_up a
vm_up b
waits web a b
vm_tell a "exit main_exited 0"
vm_tell b "exit guest_poweroff"
waited 0 "several are waited for"
is "$(sort out | paste -sd ' ')" "a 0 web 7" "each with its code, if it has one"

# An end that is followed by a start at once is an end, and its own.
vm_up again
waits again
ok "it waits" within 10 sleeps
kill -STOP "$waiter"
vm_tell again "exit main_exited 3"
ok "the VM ends" within 10 vm_ended again
vm_up again
kill -CONT "$waiter"
waited 0 "an end is seen though another start came before the look"
is "$(cat out)" 3 "with its own code"

# An agent that dies.
waits --for ssh_banner again
ok "it waits" within 10 sleeps
vm_tell again die
waited 1 "an agent that dies without a word is not waited for"
like "$(tail -n 1 "$VMTOOL_HOME/vms/again/events.jsonl")" '"event":"exit","reason":"agent_died"' \
	"and whoever waited has written its end down"
vm_up again
waits --for ready=false again
"$vmtool" rm -f again
waited 0 "a VM that is stopped and removed is not ready"
done_testing
