# full: a state folder without room, or read-only: one sentence, nothing half made, and what runs is not lost.
[ "${1:-}" = inside ] || ! unshare -rm true 2>/dev/null || exec unshare -rm bash "$0" inside
. test/lib.sh
[ "${1:-}" = inside ] || plan_skip "no folder can be mounted here"
. test/cli/vms.sh

mkdir "$VMTOOL_HOME"
mount -t tmpfs -o size=64k none "$VMTOOL_HOME" || exit 1
trap 'vms_end; cd /; umount -l "$VMTOOL_HOME" "$VMTOOL_HOME" 2>/dev/null; rm -rf "$tap_dir"' EXIT
fill() { cat /dev/zero >"$VMTOOL_HOME/filled" 2>/dev/null; }
in_folder() { (cd "$VMTOOL_HOME/vms" && echo .[!.]* *) | sed 's/^\.\[!\.\]\* //'; }

"$vmtool" create kept --kernel "$kernel" >/dev/null
ok "a VM runs" vm_up live
fill
run "$vmtool" create new --kernel "$kernel"
is "$rc/$err" "1/vmtool create: new: write vm.ini: No space left on device" "what cannot be kept is not made"
is "$(in_folder)" "kept live" "and leaves nothing"
is "$(cd "$VMTOOL_HOME/vms/kept" && echo .[!.]*)" ".[!.]*" "nor half a file"
vm_tell live "down agent_up"
ok "what cannot be written down is told" within 10 grep -q "write state.json: No space left" fakevm.log
is "$(state_of live)/$(state_of kept)" "running/created" "what runs goes on"
rm "$VMTOOL_HOME/filled"
vm_tell live "up agent_up"
run "$vmtool" wait --for ready --timeout 10s live
is "$rc" 0 "with room again it is what it was"
vm_tell live "down agent_up"
run "$vmtool" wait --for ready=false --timeout 10s live
is "$rc" 0 "and its changes are written down again"
fill
run "$vmtool" rm -f live kept
is "$rc/$(in_folder)" "0/*" "without room VMs can be stopped and removed"
rm "$VMTOOL_HOME/filled"

"$vmtool" create kept --kernel "$kernel" >/dev/null
ok "a VM runs" vm_up live
before=$(cd "$VMTOOL_HOME" && find . | sort)
mount --bind "$VMTOOL_HOME" "$VMTOOL_HOME" && mount -o remount,bind,ro "$VMTOOL_HOME" || exit 1
for words in "create new --kernel $kernel" "rename kept other" "rm kept" "start kept --kernel $kernel"; do
	# shellcheck disable=SC2086
	run "$vmtool" $words
	is "$rc" 1 "read-only: no ${words%% *}"
	like "$err" "vmtool ${words%% *}: *Read-only file system" "which is said"
	is "$(wc -l <<<"$err")" 1 "in one line"
done
run "$vmtool" ls --no-header --columns name,state
is "$rc/$(xargs <<<"$out")" "0/kept created live running" "ls tells what is there"
run "$vmtool" wait --for ready --timeout 10s live
is "$rc" 0 "and wait"
is "$(cd "$VMTOOL_HOME" && find . | sort)" "$before" "and nothing has changed"
done_testing
