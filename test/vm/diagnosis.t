# A start that fails: start, show and report name the same cause, from what the guest said.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh
cd "$tap_dir" || exit 1
mkdir -p "$VMTOOL_HOME/vms"

# failing ID CAUSE NAME OPTION...: a VM whose folder was there before, so that it stays.
failing() {
	id=$1 cause=$2 name=$3
	shift 3
	mkdir "$VMTOOL_HOME/vms/$name"
	run vmtool start "$name" --kernel /lab/vmlinux "$@"
	is "$rc" 1 "$name: exit code 1"
	like "$err" "cause: $cause" "$name: start names the cause"
	like "$err" "see: vmtool logs $name ($VMTOOL_HOME/vms/$name/console.log)" "$name: and where the log is"
	run vmtool show --json "$name"
	like "$out" "\"id\": \"$id\"" "$name: show says the same"
	run vmtool report "$name"
	like "$out" "kernel * never ended*cause: $cause" "$name: report too, and where it stopped"
}

failing no_disk "the guest waits for a root device" noroot --append 'root=/dev/nope rdinit=/nope'

# Little as gzip, and more than the guest has unpacked. Ours is behind it: nothing of it is reached.
mkdir big
head -c 40000000 /dev/zero >big/file
(cd big && find . | cpio -o -H newc 2>/dev/null) | gzip -1 >big.gz
rm -r big
failing initrd_too_big "the initramfs, unpacked, does not fit" bigram --memory 40M --initrd ./big.gz
like "$out" "Initramfs unpacking failed: write error" "the line that says so is quoted"

# A new one is no different: its guest ran, so it is kept, with what it said.
run vmtool start fresh --kernel /lab/vmlinux --append 'root=/dev/nope rdinit=/nope'
like "$err" "cause: the guest waits for a root device*try: --disk" "a new VM: the cause too"
run vmtool report fresh --json
like "$out" '"cause": "the guest waits for a root device' "and its report is there"
ok "nothing runs" nobody_runs
done_testing
