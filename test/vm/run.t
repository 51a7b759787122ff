# run: a VM for one command, gone afterwards whatever happened.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

once() { vmtool run --kernel /lab/vmlinux --initrd /lab/initrd "$@"; }

run once -- sh -c 'echo out; echo err >&2; exit 7'
is "$rc/$out/$err" "7/out/err" "code, stdout and stderr are the command's"
is "$(left)/$(processes)" "/" "and nothing is left"

printf 'a\000b' >"$tap_dir/in"
once -- cat <"$tap_dir/in" >"$tap_dir/got"
is "$?" 0 "stdin goes in"
ok "and comes back byte for byte" cmp "$tap_dir/in" "$tap_dir/got"

run once -e 'A=x  y' -w /tmp -- sh -c 'printf "%s|%s|%s|" "$A" "$PWD" "$#"; printf "<%s>" "$@"' sh '' 'a b' '*'
is "$out" "x  y|/tmp|3|<><a b><*>" "arguments, environment and folder arrive unchanged"

run once -- /nonexist
is "$rc" 127 "a command that is not there is 127"
is "$(left)/$(processes)" "/" "and its VM is gone"
run once -- /etc
is "$rc" 126 "one that is not executable is 126"
run once -- sh -c 'kill -9 $$'
is "$rc" 137 "one that dies from a signal is 128+n"

run once --probe "nobody tcp=81 fatal=no start-period=300ms" -- echo done
is "$rc/$out" "0/done" "a VM without something that is not fatal runs its command"
like "$err" "ready, but degraded: probe:nobody: *refused" "and that is said"

run once --name kept --keep -- true
is "$rc" 0 "a run with --keep"
ok "keeps its VM, stopped" state_is kept stopped
like "$(tail -n 1 "$VMTOOL_HOME/vms/kept/events.jsonl")" '"reason":"main_exited","status":0' "which knows how it ended"
run once --name kept -- true
is "$rc" 125 "a name that is taken is vmtool's failure"
like "$err" "kept: there is a VM of this name already" "and says so"
vmtool rm kept

run once --append rdinit=/nonexist -- true
is "$rc" 125 "a VM that does not boot is vmtool's failure"
like "$err" "Kernel panic" "with the reason"
is "$(left)/$(processes)" "/" "and nothing is left of it"
run once --timeout 1ms -- true
is "$rc" 124 "a deadline is a deadline"
is "$(left)/$(processes)" "/" "and leaves nothing"

# Somebody attaches to what a run shows.
mkfifo "$tap_dir/silent"
exec 3<>"$tap_dir/silent"
once --name seen -- sh -c 'echo up; read -r line; echo "got $line"; exit 7' <&3 >"$tap_dir/shown" 2>"$tap_dir/said" &
pid=$!
within 15 grep -q up "$tap_dir/shown"
echo words >"$tap_dir/words"
run vmtool attach seen <"$tap_dir/words"
is "$rc/$out" "7/got words" "whoever attaches to the command of a run has it, and its code"
wait $pid
is "$?" 7 "so has the run, which waited for its end"
like "$(cat "$tap_dir/said")" "seen: somebody has attached to the command" "and said why it shows no more"
is "$(left)/$(processes)" "/" "and nothing is left"
vmtool run --kernel /lab/vmlinux --initrd /lab/initrd --name seen -- sh -c 'echo up; exec sleep 60' <&3 >"$tap_dir/shown" 2>"$tap_dir/said" &
pid=$!
within 15 grep -q up "$tap_dir/shown"
vmtool attach seen </dev/null >"$tap_dir/shown" 2>&1 &
viewer=$!
within 15 grep -q "somebody has attached" "$tap_dir/said"
kill -TERM $pid
wait $pid
ok "a run that only waits still ends its VM" within 5 nothing_left
ok "and whoever attached does not wait for one that has ended" within 5 sh -c "! kill -0 $viewer"
wait $viewer

# The VM dies under the command.
once -- sleep 60 2>"$tap_dir/err" &
pid=$!
within 15 sh -c 'vmtool ls | grep -q " yes "'
kill -KILL "$(processes vmm)"
wait $pid
is "$?" 125 "a VM that dies under its command loses the status"
like "$(cat "$tap_dir/err")" "the VM ended under the command: vmm_crash" "and says how"
is "$(left)/$(processes)" "/" "and nothing is left"

# vmtool dies under the VM.
vmtool run --kernel /lab/vmlinux --initrd /lab/initrd -- sleep 60 &
pid=$!
within 15 sh -c 'vmtool ls | grep -q " yes "'
kill -KILL $pid
ok "a VM whose run was killed goes too" within 5 nothing_left

done_testing
