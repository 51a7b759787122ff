# several: words for several VMs at once, and several words for one: no VM runs twice, none is lost.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

state_of() { vmtool ls --no-header --columns state "$1"; }
vms() { vmtool ls -q "$@" | tr '\n' ' '; }
begin() { start "$@" -q --memory 48M --timeout 120s >>"$tap_dir/out" 2>>"$tap_dir/err" & pids="$pids $!"; }
# $failed: how many of those that were begun did not succeed.
ended() { failed=0; for pid in $pids; do wait "$pid" || failed=$((failed + 1)); done; pids=; }

pids=
begin a b
begin b a
begin a
begin b
ended
is "$failed" 0 "overlapping starts all succeed"
is "$(vms --state running)" "a b " "of two VMs"
is "$(processes agent | wc -l)/$(processes vmm | wc -l)" "2/2" "each of which runs once"
is "$(sort -u "$tap_dir/out" | tr '\n' ' ')" "a b " "their names are the result"
run vmtool wait --for ready --timeout 5s a b
is "$rc" 0 "they are ready, as wait sees it"
is "$(vmtool events --type ready --json a | wc -l)" 1 "and became so once"

# A main process gets its signal; a machine is ended.
vmtool start job -q --memory 48M --kernel /lab/vmlinux --initrd /lab/initrd -- \
	sh -c 'trap "exit 7" HUP; echo trapped; while :; do sleep 0.1; done' >/dev/null
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
run vmtool restart -q a
is "$rc/$(state_of a)" "0/running" "restart starts what is stopped"

# Starts, stops and rms of the same names at once: whatever they make of it, it is whole.
begin a b
vmtool stop -q b a 2>>"$tap_dir/err" & pids="$pids $!"
vmtool rm -f b 2>>"$tap_dir/err" & pids="$pids $!"
begin b
ended
for vm in $(vms); do
	ok "$vm is as it says" sh -c '
		state=$(vmtool ls --no-header --columns state '"$vm"')
		[ "$state" = running ] || [ "$state" = stopped ] || [ "$state" = failed ]'
done
is "$(processes agent | wc -l)" "$(vms --state running | wc -w)" "as many agents as VMs that run"
is "$(processes vmm | wc -l)" "$(vms --state running | wc -w)" "as many vmms"
vmtool rm -f a b job
is "$(left)/$(processes)" "/" "nothing is left"
done_testing
