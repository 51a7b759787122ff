# guests: programs instead of a kernel try the machine on this host's own KVM, of whatever kind it is: also one
# that emulates the guest's kernel mode.
. test/lib.sh
PATH=$PWD/out:$PATH
programs=out/bare

[ -w /dev/kvm ] || plan_skip "this host has no /dev/kvm"
VMTOOL_HOME=$tap_dir/home
export VMTOOL_HOME
. test/both/guests.sh

done_testing
