# The words for VMs, as far as no VM is needed: wrong usage, absent VMs, what is kept on disk.
. test/lib.sh
vmtool=$PWD/out/vmtool
export VMTOOL_HOME=$tap_dir/home
unset XDG_RUNTIME_DIR
cd "$tap_dir" || exit 1

# says CODE SENTENCE ARG...
says() {
	local want_rc=$1 want=$2
	shift 2
	run "$vmtool" "$@"
	is "$rc" "$want_rc" "vmtool $*: exit code $want_rc"
	like "$err" "$want" "vmtool $*: $want"
}

for word in start stop kill restart exec rm logs show console; do
	says 2 "NAME is missing*usage: vmtool $word" $word
done
says 2 "which machine? Say --kernel FILE" vmm
says 2 "no such option: --require" vmm --require agent_up
says 2 "--ssh-user: the key is kept in a VM's folder" vmm --ssh-user root
says 2 "--detach-keys: 'xy' is not" vmm --kernel none --detach-keys xy
says 1 "kernel $tap_dir/none: No such file" vmm --kernel ./none
says 2 "no command" run
says 2 "no command" exec web
says 2 "--env: '=x' is not KEY=VALUE" exec -e =x web true
says 2 "'Web' is not a VM name" start Web
says 2 "'a_b' is not a VM name" run --name a_b -- true
says 2 "'B' is not a VM name" start a B
says 2 "'B' is not a VM name" stop a B
says 2 "--timeout: 'soon' is not a time" start web --timeout soon
says 2 "--timeout: 'soon' is not a time" stop web --timeout soon
says 1 "web: there is no VM of this name" stop web
says 1 "web: there is no VM of this name" rm web
says 1 "web: there is no VM of this name" logs web
says 125 "web: there is no VM of this name" exec web true
says 0 "" rm -f web
says 1 "a: there is no VM" rm a b
says 1 "b: there is no VM" rm a b
says 2 "'NOPE' is neither a signal's name*vmtool kill --list" kill -s NOPE web
says 2 "'65' is neither" kill -s 65 web
says 1 "web: there is no VM" kill web
says 1 "web: there is no VM" restart web
says 2 "NEW is missing" rename web
says 2 "'Web' is not a VM name" rename web Web
says 1 "web: there is no VM" rename web db
says 2 "'flying' is none of created, starting" ls --state flying
says 2 "'nme' is none of name, state" ls --columns nme
says 1 "there is no 'default' in the catalogue" create web
says 0 "there is nothing to remove" prune --yes
says 1 "there is no 'default' in the catalogue" start web
says 125 "there is no 'default' in the catalogue" run -- true
says 1 "there is no 'small' in the catalogue" start web --kernel small
says 1 "kernel $PWD/vmlinux: No such file" start web --kernel ./vmlinux

run "$vmtool" ls
is "$rc/$(wc -l <<<"$out")" "0/1" "ls of nothing is a header"
run "$vmtool" ls --json
is "$out" "[]" "ls --json of nothing is an empty array"
run "$vmtool" ls -q
is "$rc/$out" "0/" "ls -q of nothing is nothing"
ok "and none of that made a folder" test ! -e "$VMTOOL_HOME"

run env -u VMTOOL_HOME -u XDG_STATE_HOME -u HOME "$vmtool" ls
is "$rc" 1 "without any home there is nothing to list"
like "$err" "set VMTOOL_HOME" "and the way out is said"

mkdir -p "$VMTOOL_HOME/vms/web"
like "$("$vmtool" ls)" "web * created *no *1 *256 MiB" "a VM that never ran is created"
echo "boot went well" >"$VMTOOL_HOME/vms/web/console.log"
is "$("$vmtool" logs web)" "boot went well" "logs prints the console"
is "$("$vmtool" logs -f web)" "boot went well" "logs -f of a VM that does not run ends"
folder=$VMTOOL_HOME/vms/web
for ((i = 0; i < 5000; i++)); do echo "line $i of an earlier boot"; done >"$folder/console.log"
from=$(wc -c <"$folder/console.log")
printf 'one\ntwo\nthree' >>"$folder/console.log"
is "$("$vmtool" logs -n 2 web | paste -sd ' ')" "two three" "logs -n has the last lines, the one without its end too"
is "$("$vmtool" logs --tail 3000 web | head -n 1)" "line 2003 of an earlier boot" "from wherever they begin"
is "$("$vmtool" logs -n 0 web)/$("$vmtool" logs -n 9999 web | md5sum)" "/$(md5sum <"$folder/console.log")" "none of them, or all"
echo "{\"state\":\"stopped\",\"console_from\":$from}" >"$folder/state.json"
is "$("$vmtool" logs --boot web | paste -sd ' ')/$("$vmtool" logs --boot -n 9 web | head -n 1)" "one two three/one" "logs --boot begins with the latest start"
rm "$folder/state.json"
echo "script 1" >"$folder/provision.log"
is "$("$vmtool" logs --source provision web)/$("$vmtool" logs --source agent web)" "script 1/" "logs --source has the others, too"
says 2 "--source: 'serial' is none of console, agent, provision" logs --source serial web
says 2 "--boot is for the console" logs --source agent --boot web
says 2 "--tail" logs -n many web
run "$vmtool" stop web
is "$rc" 0 "a VM that does not run is stopped already"
like "$err" "web: is not running (created)" "and that is said"

echo '{"state":"running","ready":true,"agent":{"pid":1,"start":1}}' >"$VMTOOL_HOME/vms/web/state.json"
like "$("$vmtool" ls --json)" '"reason": "agent_died"' "a state that nobody keeps is not believed"
says 125 "web: is not running (failed)" exec web true
echo garbage >"$VMTOOL_HOME/vms/web/state.json"
run "$vmtool" ls --json
is "$rc" 0 "a damaged state hides nobody"
like "$err" "web: its state.json was damaged, and is begun anew" "that it is damaged is said"
like "$out" '"reason": "damaged"' "it is listed as that"
run "$vmtool" show web
is "$rc/$err" "0/" "then it is whole"
like "$out" "state * failed*what became of it is not known" "and says that nothing is known"
for cut in 0 1 40; do
	head -c $cut >"$VMTOOL_HOME/vms/web/state.json" <<<'{"state":"running","ready":true,"agent":{"pid":1,"start":1}}'
	like "$("$vmtool" show web 2>&1)" "web: its state.json was damaged*failed" "one of $cut bytes is mended"
done
echo garbage >"$VMTOOL_HOME/vms/web/state.json"
says 125 "web: is not running (failed)" exec web true
says 0 "" rm -f web
is "$(ls -A "$VMTOOL_HOME/vms")" "" "a damaged VM can be removed"

done_testing
