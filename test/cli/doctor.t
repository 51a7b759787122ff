# doctor: what a start depends on, what was found, and what cures it.
. test/lib.sh
export VMTOOL_HOME=$tap_dir/home

check() {	# ID: its object, from --json
	printf '%s\n' "$out" | sed -n "/\"id\": \"$1\"/,/}/p"
}

run out/vmtool doctor --json
kvm=$(check kvm)
case $kvm in
*'"state": "ok"'*) is "$rc/$err" "0/" "this host can: exit code 0" ;;
*)
	is "$rc" 1 "this host cannot: exit code 1"
	like "$err" "vmtool doctor: kvm: " "and says why"
	;;
esac
like "$(check state)" "\"found\": \"$VMTOOL_HOME, *free\"" "the state folder need not be there yet"
ok "and is not made" test ! -e "$VMTOOL_HOME"
like "$(check kernel)" '"state": "note"*"remedy": "vmtool kernel add /boot/' "no kernel in the catalogue is a note, with the cure"
mkdir -p "$VMTOOL_HOME/kernels/default"
: >"$VMTOOL_HOME/kernels/default/vmlinux"
run out/vmtool doctor --json
like "$(check kernel)" '"state": "ok"*"remedy": null' "with one there it is fine"

like "$(check sandbox)" '"found": "system calls are filtered*Landlock' "what there is to lock a vmm in is told"

run bash -c 'ulimit -n 64; exec out/vmtool doctor'
like "$out" "files   note  64 open files*try: ulimit -n" "a limit that is too low is seen"
case $(printf '%s\n' "$out" | head -n 1) in
kvm*ok* | kvm*no*) pass "kvm is the first line" ;;
*) fail "kvm is the first line" ;;
esac

run env -i out/vmtool doctor --json
ok "whatever is not ok has a cure" bash -c '! grep -A 3 "\"state\": \"n" <<<"$1" | grep "remedy.*null"' - "$out"

printf x >"$tap_dir/file"
run env VMTOOL_HOME="$tap_dir/file/home" out/vmtool doctor
is "$rc" 1 "a state folder that cannot be made: exit code 1"
like "$out" "state   no *file*" "and which"
run out/vmtool doctor all
is "$rc" 2 "an operand: exit code 2"
done_testing
