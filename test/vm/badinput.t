# Bad input: one sentence that names the thing, the right exit code, nothing left behind.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh
cd "$tap_dir" || exit 1

# refused CODE SENTENCE WHY ARG...: of a start of a new VM.
refused() {
	want_rc=$1 want=$2 why=$3
	shift 3
	run vmtool start bad "$@"
	is "$rc" "$want_rc" "$why: exit code $want_rc"
	like "$err" "$want" "$why: says so"
	is "$out" "" "$why: nothing on stdout"
	is "$(left)/$(processes)" "/" "$why: nothing left"
}
mkdir -p "$VMTOOL_HOME/vms" "$VMTOOL_HOME/run"

# --- the kernel ---
: >empty
head -c 100000 /lab/vmlinux >cut_short
head -c 100000 /dev/zero >zeros
refused 1 "kernel /nonexist: No such file" "a kernel that is not there" --kernel /nonexist
refused 1 "no 'default' in the catalogue*--kernel PATH" "no kernel given"
refused 1 "kernel $PWD/empty: is empty" "an empty kernel" --kernel ./empty
refused 1 "is not a regular file" "a folder as kernel" --kernel /tmp
refused 1 "kernel" "a truncated kernel" --kernel ./cut_short
refused 1 "kernel" "a kernel that is none" --kernel ./zeros

# --- the initrd ---
printf '\002\041\114\030rest' >lz4
echo "no archive" >text
refused 1 "initrd /nonexist: No such file" "an initrd that is not there" --kernel /lab/vmlinux --initrd /nonexist
refused 1 "initrd $PWD/lz4: is lz4" "an initrd nothing can follow" --kernel /lab/vmlinux --initrd ./lz4
refused 1 "is not an initramfs" "an initrd that is none" --kernel /lab/vmlinux --initrd ./text
{ printf 070701; head -c 100000000 /dev/zero; } >big
refused 1 "initrd" "an initrd that does not fit" --kernel /lab/vmlinux --initrd ./big --memory 64M
rm big

# --- numbers ---
refused 2 "--memory: 0M is too little" "no memory" --memory 0M
refused 2 "of what?" "memory without a unit" --memory 512
refused 2 "more than this host has" "more memory than there is" --memory 900T
refused 2 "--cpus: '0'" "no CPU" --cpus 0
refused 2 "--cpus: '65'" "too many CPUs" --cpus 65
refused 2 "--append" "a command line too long" --append "$(head -c 3000 /dev/zero | tr '\0' x)"
refused 2 "no such option: --nonsense" "an unknown option" --nonsense

for name in '' -web Web a_b "$(printf 'x%.0s' $(seq 1 64))" ../web; do
	run vmtool start -q --kernel /lab/vmlinux -- "$name"
	is "$rc/$(left)" "2/" "'$name' is no name"
done

# --- vm.ini ---
mkdir -p "$VMTOOL_HOME/vms/bad"
ini() {	# WANT CONTENT
	printf %b "$2" >"$VMTOOL_HOME/vms/bad/vm.ini"
	run vmtool start bad
	is "$rc" 2 "vm.ini: $1: exit code 2"
	like "$err" "$1" "vm.ini: $1"
}
ini "vm.ini:2: 'cpu' is no key of \[vm\]: did you mean 'cpus'?" '[vm]\ncpu = 2\n'
ini "vm.ini:3: memory: 12 of what?" '[vm]\ncpus = 2\nmemory = 12\n'
ini "vm.ini:3: cpus: stands here for the second time" '[vm]\ncpus = 2\ncpus = 2\n'
ini "vm.ini:1: \[net\] is no section" '[net]\nmode = user\n'
ini "vm.ini:2: not a line of the form" '[vm]\ncpus\n'
vmtool rm bad

# --- guests that come to nothing ---
mkdir guest
for what in "poweroff -f" "reboot -f" "sleep 1000"; do
	printf '#!/bin/sh\nexec /bin/busybox %s\n' "$what" >"guest/init-${what%% *}"
done
chmod 755 guest/*
(cd guest && find . | cpio -o -H newc 2>/dev/null) >extra
cat /lab/initrd extra >initrd

failed() {	# CODE SENTENCE WHY ARG...: and the VM stays, with its reason
	want_rc=$1 want=$2 why=$3
	shift 3
	run vmtool start bad --kernel /lab/vmlinux --initrd ./initrd "$@"
	is "$rc" "$want_rc" "$why: exit code $want_rc"
	like "$err" "$want" "$why: says so"
	like "$err" "vmtool logs bad" "$why: and where to look"
	ok "$why: is a VM that failed" state_is bad failed
	is "$(processes)$(sockets_of bad)" "" "$why: no process, no socket"
	vmtool rm bad
}
failed 1 "Kernel panic - not syncing" "a guest that panics" --append rdinit=/nonexist
like "$err" "the console's last lines:*  | *Kernel panic" "its last lines are shown"
failed 1 "powered off before it was ready" "a guest that powers off" --append rdinit=/init-poweroff
failed 1 "rebooted before it was ready" "a guest that reboots" --append rdinit=/init-reboot
failed 124 "agent_up does not hold: the guest has not said hello; last stage: kernel begin" \
	"a guest that hangs" --append rdinit=/init-sleep --timeout 4s

# --- /dev/kvm ---
mv /dev/kvm /dev/kvm.away
refused 1 "/dev/kvm: does not exist" "no /dev/kvm" --kernel /lab/vmlinux
: >/dev/kvm
refused 1 "/dev/kvm" "a /dev/kvm that is none" --kernel /lab/vmlinux
rm /dev/kvm
mv /dev/kvm.away /dev/kvm

done_testing
