# A start that fails: start, show and report name the same cause, from what the guest said.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh
cd "$tap_dir" || exit 1
mkdir -p "$VMTOOL_HOME/vms"

# failing ID CODE CAUSE NAME OPTION...: a VM whose folder was there before, so that it stays.
failing() {
	id=$1 code=$2 cause=$3 name=$4
	shift 4
	mkdir "$VMTOOL_HOME/vms/$name"
	run vmtool start "$name" --kernel /lab/vmlinux "$@"
	is "$rc" "$code" "$name: exit code $code"
	like "$err" "cause: $cause" "$name: start names the cause"
	like "$err" "see: vmtool logs $name ($VMTOOL_HOME/vms/$name/console.log)" "$name: and where the log is"
	run vmtool show --json "$name"
	like "$out" "\"id\": \"$id\"" "$name: show says the same"
	run vmtool report "$name"
	like "$out" "cause: $cause" "$name: and report"
}

failing no_disk 1 "the guest waits for a root device" noroot --append 'root=/dev/nope rdinit=/nope'
like "$out" "kernel * never ended" "and where it stopped"

# A kernel that does not look for PCI devices is one without their drivers.
truncate -s 4M empty.img
failing no_virtio 1 "the guest's kernel does not see the machine's disks" nodriver --disk empty.img \
	--append 'pci=off root=/dev/vda rdinit=/nope'
failing no_vsock 124 "the guest has no vsock" novsock --initrd /lab/initrd --timeout 12s --append pci=off
failing no_root_fs 1 "the root device holds no file system" nofs --disk empty.img --append 'root=/dev/vda rdinit=/nope'
truncate -s 4M bare.img
mke2fs -F bare.img >/dev/null 2>&1
failing no_init 1 "the guest has no program to run as its process 1" noinit --disk bare.img \
	--append 'root=/dev/vda rdinit=/nope'
failing init_died 1 "the guest's process 1 ended" died --initrd /lab/initrd --init /bin/true
failing out_of_memory 1 "the guest ran out of memory" oom --initrd /lab/initrd --memory 40M \
	--script 'sh tail /dev/zero' --require-provision
failing panic 1 "the guest's kernel panicked" panic --initrd /lab/initrd --script 'sh echo c >/proc/sysrq-trigger; sleep 100' \
	--require-provision
like "$out" "sysrq triggered crash" "with its line"

# Little as gzip, and more than the guest has unpacked. Ours is behind it: nothing of it is reached.
mkdir big
head -c 40000000 /dev/zero >big/file
(cd big && find . | cpio -o -H newc 2>/dev/null) | gzip -1 >big.gz
rm -r big
failing initrd_too_big 1 "the initramfs, unpacked, does not fit" bigram --memory 40M --initrd ./big.gz
like "$out" "Initramfs unpacking failed: write error" "the line that says so is quoted"

# A new one is no different: its guest ran, so it is kept, with what it said.
run vmtool start fresh --kernel /lab/vmlinux --append 'root=/dev/nope rdinit=/nope'
like "$err" "cause: the guest waits for a root device*try: --disk" "a new VM: the cause too"
run vmtool report fresh --json
like "$out" '"cause": "the guest waits for a root device' "and its report is there"
ok "nothing runs" nobody_runs
done_testing
