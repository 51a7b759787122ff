# vms.sh: VMs without a machine, and the kernel of one that never starts.
#
#	. test/lib.sh
#	. test/cli/vms.sh	sets $vmtool, $VMTOOL_HOME (none yet), $kernel; works in $tap_dir
#	vm_up NAME [STOP_MS]	it "runs", as far as the words can see
#	vm_tell NAME LINE	fakevm's language
#	vm_ended NAME		whether its process has gone

vmtool=$PWD/out/vmtool
fakevm=$PWD/out/tools/fakevm
export VMTOOL_HOME=$tap_dir/home
unset XDG_RUNTIME_DIR
cd "$tap_dir" || exit 1
kernel=$tap_dir/vmlinux
echo "not really" >"$kernel"
declare -A vm_pid vm_in

vm_up() {
	local out up
	mkfifo "$tap_dir/$1.in" "$tap_dir/$1.out"
	"$fakevm" "$@" <"$tap_dir/$1.in" >"$tap_dir/$1.out" 2>>"$tap_dir/fakevm.log" &
	vm_pid[$1]=$!
	disown # its end is no news
	exec {vm_in[$1]}>"$tap_dir/$1.in" {out}<"$tap_dir/$1.out"
	rm "$tap_dir/$1.in" "$tap_dir/$1.out"
	read -r up <&"$out"
	exec {out}<&-
	[ "$up" = up ]
}

vm_tell() { echo "$2" >&"${vm_in[$1]}"; }
vm_ended() { ! kill -0 "${vm_pid[$1]}" 2>/dev/null; }
vms_end() { for pid in "${vm_pid[@]}"; do kill -9 "$pid"; done 2>/dev/null; }
trap 'vms_end; rm -rf "$tap_dir"' EXIT

state_of() { "$vmtool" ls --no-header --columns state "$1"; }
