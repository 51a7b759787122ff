# races: sixteen words at once for one VM: one wins, the others say so, nothing is half done.
. test/lib.sh
. test/cli/vms.sh

# at_once N COMMAND...: N of it, each with its number for @I, begin together; $done counts the exit codes 0, $out what they printed
# and $err what they said.
at_once() {
	local n=$1 i pids=() gate
	shift
	mkfifo gate
	for ((i = 0; i < n; i++)); do
		# Opening waits for the other side: they all begin when the gate is opened.
		(: <gate; exec "${@//@I/$i}") >"out.$i" 2>"err.$i" &
		pids+=($!)
	done
	exec {gate}>gate
	done=0
	for i in "${pids[@]}"; do wait "$i" && done=$((done + 1)); done
	exec {gate}>&-
	rm gate
	out=$(cat out.*) err=$(cat err.*)
	rm -f out.* err.*
}
vms() { "$vmtool" ls -q | paste -sd ' '; }

for round in 1 2; do
	at_once 16 "$vmtool" create web --kernel "$kernel"
	is "$done/$(vms)/$out" "1/web/web" "one of sixteen makes it ($round)"
	is "$(grep -c "there is a VM of this name already" <<<"$err")" 15 "the others are told"
	ok "with an id" test -L "$VMTOOL_HOME/vms/web/id"
	at_once 16 "$vmtool" rename web "db@I"
	is "$done/$(vms | wc -w)" "1/1" "one of sixteen renames it"
	name=$(vms)
	at_once 16 "$vmtool" rm "$name"
	is "$done/$(vms)" "1/" "one of sixteen removes it"
	is "$(grep -cE "there is no VM of this name|has just been removed" <<<"$err")" 15 "the others are told"
	at_once 16 "$vmtool" rm -f "$name"
	is "$done" 16 "by force, absent is fine"
done

vm_up web 200
at_once 16 "$vmtool" stop web
is "$done/$(state_of web)" 16/stopped "sixteen may stop it"
vm_up web 200
at_once 16 "$vmtool" rm -f web
is "$done/$(vms)" "16/" "sixteen may remove it while it runs"
is "$(ls -A "$VMTOOL_HOME/vms")" "" "and nothing is left of it"

# Made and removed by turns, by many: whoever has it has it whole.
for i in 1 2 3 4 5 6 7 8; do
	(for _ in 1 2 3 4 5; do "$vmtool" create web --kernel "$kernel"; "$vmtool" rm web; done) >/dev/null 2>>err &
done
wait
like "$(vms)" "" "many make and remove it"
is "$(grep -vE "^  (try|see):|there is a VM of this name already|there is no VM of this name|has just been removed" err)" "" "and fail for these reasons alone"
"$vmtool" rm -f web
is "$(ls -A "$VMTOOL_HOME/vms")" "" "nothing is left"
done_testing
