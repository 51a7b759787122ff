# demo_guest.sh - what a person would type; run by demo.sh where there is a KVM.

show() {
	echo "\$ $*"
	"$@" || exit
	echo
}

# In this shell's own place, so that a vmtool in daily use on this host is not touched.
VMTOOL_HOME=$(mktemp -d)
export VMTOOL_HOME
unset XDG_RUNTIME_DIR
trap 'rm -rf "$VMTOOL_HOME"' EXIT
exec 2>&1

if [ -d /lab/in/kernel ]; then
	show vmtool kernel add /lab/in/kernel/vmlinuz --modules /lab/in/kernel/modules/*
else
	show vmtool kernel add /lab/vmlinux
fi
show vmtool start demo --initrd /lab/initrd
show vmtool ls
show vmtool exec demo -- uname -a
show vmtool exec demo -- cat /proc/1/cmdline
show vmtool stop demo
vmtool rm demo
