# many: a thousand VMs are listed at once, whatever the machine is doing meanwhile.
. test/lib.sh
. test/cli/vms.sh

syscalls=${vmtool%/*}/tools/syscalls
vm_up first
"$vmtool" stop -q first
rm "$VMTOOL_HOME/vms/first/lock"
has_run() { sed -i 's/"memory_bytes": 0/"memory_bytes": 268435456/' "$VMTOOL_HOME/vms/$1/state.json"; }
has_run first
mkdir stopped
mv "$VMTOOL_HOME/vms/first" stopped/

# Up to so many VMs that have run.
vms_until() {
	local i
	for ((i = made + 1; i <= $1; i++)); do echo "$VMTOOL_HOME/vms/vm-$i"; done |
		xargs -n 50 sh -c 'for to; do cp -R stopped/first "$to"; done' sh
	made=$1
}
made=0

vms_until 100
run "$syscalls" few "$vmtool" ls
is "$rc" 0 "a hundred VMs are listed"
vms_until 1000
run "$syscalls" many "$vmtool" ls
is "$(wc -l <<<"$out")" 1001 "a thousand, and the line of their names"
calls=$((($(cat many) - $(cat few)) / 900))
diag "$calls system calls for each VM"
# Its state: opened, read, closed.
ok "a VM more costs no more than reading its state" test "$calls" -le 3
vm_up live
has_run live
run "$syscalls" live "$vmtool" ls
ok "one that runs costs a look at its lock besides" test "$(($(cat live) - $(cat many)))" -le 6
like "$out" "live *running" "and is shown as running"
run "$syscalls" many "$vmtool" ls -q
ok "one whose name alone is wanted costs nothing" test "$(cat many)" -lt 200
done_testing
