# several: words for several VMs at once, and several words for one: no VM runs twice, none is lost.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

vms() { vmtool ls -q "$@" | tr '\n' ' '; }
begin() { start "$@" -q --memory 48M --timeout 120s >>"$tap_dir/out" 2>>"$tap_dir/err" & pids="$pids $!"; }
# The exit codes of all that was begun, the same ones once.
ended() { for pid in $pids; do wait "$pid"; echo $?; done | sort -u | tr '\n' ' '; pids=; }

pids=
begin a b
begin b c
begin c a
begin a
begin b
begin c
is "$(ended)" "0 " "overlapping starts all succeed"
is "$(vms --state running)" "a b c " "of three VMs"
is "$(processes agent | wc -l)/$(processes vmm | wc -l)" "3/3" "each of which runs once"
is "$(sort -u "$tap_dir/out" | tr '\n' ' ')" "a b c " "their names are the result"
is "$(cat "$tap_dir/err")" "" "and there is nothing to complain of"

run vmtool start a b
is "$rc" 0 "starting those that run is fine"
like "$err" "a: is already running, and ready" "and said"
run vmtool wait --for ready --timeout 5s a b c
is "$rc" 0 "they are ready, as wait sees it"
is "$(vmtool events --type ready --json a | wc -l)" 1 "and became so once"

# A main process gets its signal; a machine is ended.
start job -q --memory 48M -- sh -c 'trap "exit 7" HUP; echo trapped; while :; do sleep 0.1; done' >/dev/null
ok "a main process runs" within 20 sh -c "vmtool logs job | grep -q trapped"
vmtool wait job >"$tap_dir/code" 2>/dev/null &
waiter=$!
run vmtool kill -s HUP job
is "$rc" 0 "a signal is sent to the main process"
wait $waiter
is "$?/$(cat "$tap_dir/code")" "0/7" "whose end is waited for, with its code"
run vmtool kill -s HUP a
is "$rc" 1 "a VM without one gets no SIGHUP"
run vmtool kill a
is "$rc" 0 "SIGTERM ends its machine"
ok "and it is stopped" state_is a stopped
run vmtool restart -q a b
is "$rc/$(vms --state running)" "0/a b c " "restart starts what is stopped, and what is not"
is "$(vmtool events --type ready --json b | wc -l)" 2 "that one a second time"

# Starts, stops and rms of the same names at once: whatever they make of it, it is whole.
for i in 1 2; do
	begin a b
	vmtool stop -q b c 2>>"$tap_dir/err" & pids="$pids $!"
	vmtool rm -f c a 2>>"$tap_dir/err" & pids="$pids $!"
	begin c
done
ended >"$tap_dir/codes"
for vm in $(vms); do
	ok "$vm is as it says" sh -c '
		state=$(vmtool ls --no-header --columns state '"$vm"')
		[ "$state" = running ] || [ "$state" = stopped ] || [ "$state" = failed ]'
done
is "$(processes agent | wc -l)" "$(vms --state running | wc -w)" "as many agents as VMs that run"
is "$(processes vmm | wc -l)" "$(vms --state running | wc -w)" "as many vmms"
vmtool rm -f a b c job
is "$(left)/$(processes)" "/" "nothing is left"
done_testing
