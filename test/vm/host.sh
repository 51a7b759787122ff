# host.sh: what tests of vmtool's host side share, inside the lab.
. /lab/in/within.sh

export VMTOOL_HOME=/tmp/vmtool

start() { vmtool start "$@" --kernel /lab/vmlinux --initrd /lab/initrd; }

# PIDs of vmtool's agents and vmms, or of one of these roles. One look at all processes: in an emulated
# machine a fork for each costs more than the VM that is waited for.
processes() {
	ps -e -o pid,args | sed -n "s/^ *\([0-9]*\) \({.*} \)\{0,1\}vmtool ${1:-\(agent\|vmm\)}\( .*\)\{0,1\}$/\1/p"
}

# The PID of one VM's agent.
agent_of() {
	for process in $(processes agent); do
		case $(tr '\000' ' ' <"/proc/$process/cmdline") in *" $1 ") echo "$process" ;; esac
	done
}

# Who is dying has no command line any more, and still its locks.
nobody_runs() { [ -z "$(processes)" ] && ! ps -e -o stat,args | grep -q '^[A-Y][^ ]* *\[exe\]$'; }

# slay PID...: killed, and gone with all they held.
are_gone() { for process; do [ ! -d "/proc/$process" ] || return 1; done; }
slay() { kill -KILL "$@" && within 5 are_gone "$@"; }

# File names in the socket folder of a VM, in one line.
sockets_of() { ls "$VMTOOL_HOME/run/$1" 2>/dev/null | tr '\n' ' ' | sed 's/ $//'; }

# What is left of VMs and sockets, hidden names included.
left() { ls -A "$VMTOOL_HOME/vms" "$VMTOOL_HOME/run" | grep -v -e '^/' -e '^$'; }

nothing_left() { [ -z "$(left)" ] && nobody_runs; }

state_is() { vmtool ls | grep -q "^$1 *$2 "; }
