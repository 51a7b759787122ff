# guests: programs instead of a kernel try the machine on this host's own KVM, of whatever kind it is: also one
# that emulates the guest's kernel mode.
. test/lib.sh
PATH=$PWD/out:$PATH
programs=out/bare

[ -w /dev/kvm ] || plan_skip "this host has no /dev/kvm"
VMTOOL_HOME=$tap_dir/home
export VMTOOL_HOME
. test/both/guests.sh

# --- unless it is asked for, one that emulates is refused ---

run vmtool vmm --kernel $programs/ends --plain --append s5 </dev/null
case $(vmtool doctor --json 2>/dev/null) in
*"this /dev/kvm emulates"*)
	is "$rc" 1 "a machine on a KVM that emulates is refused"
	like "$err" "emulates the guest's kernel mode*cannot boot a kernel*try: " "with the reason, and what helps"
	;;
*) is "$rc/$err" "0/" "a machine on one that does not is as good without --kvm any" ;;
esac

done_testing
