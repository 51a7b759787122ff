# several: words for more than one VM; names and ids; who holds a lock.
. test/lib.sh
. test/cli/vms.sh

run "$vmtool" create one two three --kernel "$kernel" --memory 64M
is "$rc/$(sort <<<"$out" | paste -sd ' ')" "0/one three two" "several are made at once"
is "$(state_of one)" created "and are not started"
like "$("$vmtool" ls)" "one *created *no *1 *64 MiB" "as they were wished"
run "$vmtool" create one --kernel "$kernel"
is "$rc" 1 "what is there is not made again"
like "$err" "one: there is a VM of this name already" "and that is said"
run "$vmtool" create --kernel "$kernel"
is "$rc/$(state_of "$out")" 0/created "one without a name gets one"
"$vmtool" rm "$out"

# ids
id=$("$vmtool" ls --no-header --columns id two)
like "$id" "????????????????" "each has an id"
is "$("$vmtool" show --json two | grep '"id"')" " \"id\": \"$id\"," "show has it"
is "$("$vmtool" ls -q "$id" "${id:0:6}" two)" two "an id, its beginning and the name are one VM"
run "$vmtool" ls "${id:0:5}"
is "$rc" 1 "five digits are not enough"
run "$vmtool" create "$id" --kernel "$kernel"
is "$rc" 1 "an id is no free name"
rm "$VMTOOL_HOME/vms/one/id"
ln -s "${id:0:15}x" "$VMTOOL_HOME/vms/one/id"
is "$("$vmtool" ls -q "${id:0:6}")" two "what is no id is nobody's"
rm "$VMTOOL_HOME/vms/one/id"
ln -s "${id:0:8}00000000" "$VMTOOL_HOME/vms/one/id"
run "$vmtool" rm "${id:0:8}"
is "$rc" 1 "an ambiguous one removes nobody"
like "$err" "${id:0:8}: begins the id of one, and that of two" "and says whose it may be"
mkdir "$VMTOOL_HOME/vms/${id:0:8}"
is "$("$vmtool" ls -q "${id:0:8}")" "${id:0:8}" "a name goes before an id"
rmdir "$VMTOOL_HOME/vms/${id:0:8}"

# rename
run "$vmtool" rename two 2nd
is "$rc/$("$vmtool" ls -q "$id")" "0/2nd" "a VM gets another name, and keeps its id"
run "$vmtool" rename 2nd one
is "$rc" 1 "a name that is taken is not given"
like "$err" "one: there is a VM of this name already" "and that is said"
is "$("$vmtool" ls -q | paste -sd ' ')" "2nd one three" "nothing was lost"
ok "a VM runs" vm_up busy
run "$vmtool" show busy
like "$out" "conditions.agent_up * yes it was told so" "show tells of each condition why it holds"
is "$(grep -c condition_details <<<"$out")" 0 "in one line"
run "$vmtool" rename busy idle
is "$rc" 1 "one that runs keeps its name"
like "$err" "busy: is running, and its guest" "and why is said"

# stop, several
for name in a b c d e f g h; do vm_up $name 1000 || fail "$name is up"; done
began=${EPOCHREALTIME/./}
run "$vmtool" stop a b c nobody d e a f g h 2nd
took=$(((${EPOCHREALTIME/./} - began) / 1000))
is "$rc" 1 "one of those to be stopped was missing"
is "$(grep -c "there is no VM of this name" <<<"$err")" 1 "it is told"
is "$(grep -c "powered off by the guest" <<<"$err")" 8 "the others were stopped, each once"
like "$err" "2nd: is not running (created)" "and one was not running"
ok "eight stops of one second each took as long as one ($took ms)" [ $took -lt 4000 ]
is "$("$vmtool" ls --state stopped -q | paste -sd ' ')" "a b c d e f g h" "ls can be asked for those"
run "$vmtool" stop a b
is "$rc" 0 "stopping them once more is fine"

# kill
run "$vmtool" kill a
is "$rc" 1 "one that does not run gets no signal"
run "$vmtool" kill -s HUP --vmm busy
is "$rc" 1 "a machine knows no SIGHUP"
like "$err" "busy: SIGHUP: its machine can be sent TERM and KILL alone" "and that is said"
run "$vmtool" kill --vmm busy
is "$rc/$(state_of busy)" 0/stopped "SIGTERM ends it"
is "$("$vmtool" kill --list | head -1)" " 1 HUP" "signals are listed"

# restart: what cannot start has been stopped first.
vm_up again
run "$vmtool" restart again
like "$err" "again: stopped after" "restart stops"
is "$rc/$(state_of again)" 1/stopped "and starts, which fails here"

# rm
vm_up busy
run "$vmtool" rm busy a
is "$rc" 1 "one that runs is not removed"
like "$err" "busy: is running*vmtool stop busy, or vmtool rm -f busy" "and the ways on are said"
is "$("$vmtool" ls -q a 2>/dev/null)" "" "the other one has gone"
run "$vmtool" rm -f busy gone b c
is "$rc/$("$vmtool" ls -q | paste -sd ' ')" "0/2nd again d e f g h one three" "by force, absent ones are fine"

# --dry-run, --all
vm_up live1; vm_up live2
before=$("$vmtool" ls -q)
run "$vmtool" rm --dry-run d one live1
is "$rc/$(sort <<<"$out" | paste -sd ' ')" "1/d one" "rm --dry-run tells which would go"
like "$err" "live1: is running" "and which would not"
run "$vmtool" rm --dry-run -f --all
is "$rc/$(sort <<<"$out")" "0/$(sort <<<"$before")" "by force, all would"
is "$("$vmtool" ls -q)/$(state_of live1)" "$before/running" "and none has gone"
run "$vmtool" stop --all d
is "$rc" 2 "--all goes with no name"
is "$(state_of live1)/$(state_of live2)" "running/running" "and nobody was stopped for that"
run "$vmtool" stop
is "$rc" 2 "no name is not all"
run "$vmtool" pause --all
is "$(grep -o "[a-z0-9]*: not of a fake" <<<"$err" | sort | paste -sd ' ')" "live1: not of a fake live2: not of a fake" "pause --all asks all that live, and no other"
run "$vmtool" stop --all
is "$rc/$(grep -c "powered off" <<<"$err")/$(state_of live1)/$(state_of live2)" "0/2/stopped/stopped" "all that live are stopped"
run "$vmtool" stop --all
is "$rc/$err" "0/" "with none of them there is nothing to do"
vm_up live1
run "$vmtool" kill -a --vmm
is "$rc/$(state_of live1)" "0/stopped" "kill --all is for those that live"
VMTOOL_HOME=$tap_dir/other "$vmtool" create one two --kernel "$kernel" >/dev/null
run env VMTOOL_HOME="$tap_dir/other" "$vmtool" rm --all
is "$rc/$(ls -A "$tap_dir/other/vms")" "0/" "rm --all leaves none"
"$vmtool" rm live1 live2

# Its agent knows what a damaged state does not say.
vm_up whole
head -c 100 "$VMTOOL_HOME/vms/whole/state.json" >cut
cp cut "$VMTOOL_HOME/vms/whole/state.json"
run "$vmtool" ls --no-header --columns name,state,ready whole
is "$rc" 0 "a VM that runs is listed, whatever its state.json says"
like "$out" "whole *running *yes" "as it is"
like "$err" "whole: its state.json was damaged; its agent has written it anew" "and that is said"
cp cut "$VMTOOL_HOME/vms/whole/state.json"
run "$vmtool" stop whole
is "$rc/$(state_of whole)" 0/stopped "one can be stopped"
"$vmtool" rm whole

# A start that has no more than the lock so far.
start_late() { # NAME: prints nothing of its own; a word into it goes on
	mkfifo late.in late.out
	"$fakevm" "$1" 0 late <late.in >late.out &
	exec {late}>late.in
	read -r said <late.out
	rm late.in late.out
	[ "$said" = locked ]
}
is_waiting() { [ -n "$(ls -l "/proc/$pid/fd" 2>/dev/null | grep inotify)" ]; }
for word in stop 'kill --vmm' restart; do
	ok "a start begins" start_late late
	# shellcheck disable=SC2086
	"$vmtool" $word late >out 2>err &
	pid=$!
	ok "$word sees it and waits" within 10 is_waiting
	echo up >&"$late"
	wait "$pid"
	is "$(state_of late)" stopped "$word ends what the start made of it: it says $(paste -sd ' ' err)"
	exec {late}>&-
done
start_late late
"$vmtool" stop late >out 2>err &
pid=$!
ok "stop waits for a start" within 10 is_waiting
echo no >&"$late"
wait "$pid"
is "$?/$(cat err)" "0/late: is not running (stopped)" "one that came to nothing is not running"
exec {late}>&-
"$vmtool" rm late

# A process that dies on its way is no success.
vm_up slow 60000
"$vmtool" stop -t 60s slow one >out 2>err &
pid=$!
ok "stop works at it" within 10 sh -c "[ \"\$($vmtool ls --no-header --columns state slow)\" = stopping ]"
kill "$pid"
wait "$pid"
is $? 143 "a batch that is ended says so"
is "$(children $$ "$vmtool" stop -t 60s slow one)" "" "and leaves nobody behind"

# An agent that dies while it is asked to stop its VM.
vm_up dying 60000
"$vmtool" stop -t 60s dying >out 2>err &
pid=$!
ok "stop waits for an agent" within 10 sh -c "[ \"\$($vmtool ls --no-header --columns state dying)\" = stopping ]"
vm_tell dying die
wait "$pid"
is $? 0 "one whose agent and machine have died is stopped"
like "$("$vmtool" show dying)" "reason * killed*detail * its agent died while it was being stopped" "and how is shown"
like "$(tail -n 1 "$VMTOOL_HOME/vms/dying/events.jsonl")" '"event":"exit","reason":"killed"' "and written down"
"$vmtool" rm dying
vms_end

# prune
"$vmtool" create young --kernel "$kernel"  >/dev/null
run "$vmtool" prune --yes
is "$rc/$("$vmtool" ls -q young)" "0/young" "what is younger than a minute stays"
vm_up live
run "$vmtool" prune --older 0s
is "$rc" 0 "prune alone tells"
like "$out" "young *created" "what it would remove"
is "$("$vmtool" ls -q young)" "young" "and removes nothing"
run "$vmtool" prune --older 0s --yes --dry-run
is "$("$vmtool" ls -q young)" "young" "nor with --dry-run"
echo garbage >"$VMTOOL_HOME/vms/one/state.json"
run "$vmtool" prune --older 0s --yes -q
is "$rc/$err" "0/" "prune finds nothing to complain of"
like "$out" "young" "with --yes it goes"
is "$("$vmtool" ls -q | paste -sd ' ')" "live one" "but not one that runs, nor one that cannot be read"
mkdir -p "$VMTOOL_HOME/vms/.removed.old.$(bash -c 'echo $$')/sub" "$VMTOOL_HOME/vms/.removed.busy.$$"
run "$vmtool" prune
like "$err" "would remove 1 of which a removal that was interrupted left something" "what a killed removal left is told"
run "$vmtool" prune --yes
is "$rc/$(ls -A "$VMTOOL_HOME/vms" | grep removed)" "0/.removed.busy.$$" "and goes, but not while somebody removes it"
rm -r "$VMTOOL_HOME/vms/.removed.busy.$$"
vm_tell live die
ok "an agent dies" within 10 vm_ended live
is "$(state_of live)" failed "and what it kept has failed"
done_testing
