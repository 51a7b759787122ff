# pairs.sh PAIRS MIB CPUS - runs inside the lab; one line a sample: "BENCH SIDE PAIR VALUE".
#
# Ours and the peer's alternate, and which goes first alternates too, so that a machine that
# drifts drifts for both.
set -eu
pairs=$1 mib=$2 cpus=$3
append='console=ttyS0 quiet panic=-1'

busybox tar -xf /lab/in/qemu.tar -C /
chmod +x /lab/in/bootclock

boot() { # SIDE PAIR
	set -- "$1" "$2" $(/lab/in/bootclock "$1" /lab/vmlinux /lab/in/initrd "$mib" "$cpus" "$append" 'bench: init runs')
	[ "$2" -gt 0 ] || return 0
	echo "boot_to_init $1 $2 $3"
	echo "vmm_memory_outside_ram $1 $2 $4"
	echo "exits_per_boot $1 $2 $5"
}

# The guest of `vmtool start`, as vmtool puts it together; QEMU boots the same until its PID 1
# says on the console that its servers answer.
start() { # SIDE PAIR
	case $1 in
	vmtool)
		t0=$(cut -d' ' -f1 /proc/uptime)
		vmtool start bench --kernel /lab/vmlinux --initrd /lab/initrd --memory "${mib}M" --cpus "$cpus" >/dev/null 2>/tmp/start.log ||
			{ cat /tmp/start.log >&2; exit 1; }
		ms=$(sed -n 's/.*ready in \([0-9]*\) ms.*/\1/p' /tmp/start.log)
		host=$(vmtool events bench --json 2>/dev/null | sed -n 's/.*"host_ms":\([0-9]*\).*/\1/p' | tail -n 1)
		vmtool stop bench >/dev/null 2>&1
		vmtool rm bench >/dev/null 2>&1
		[ "$2" -gt 0 ] || return 0
		echo "start_to_ready vmtool $2 $ms"
		;;
	esac
}

pair=0
while [ "$pair" -le "$pairs" ]; do
	if [ $((pair % 2)) = 0 ]; then first=vmtool second=qemu; else first=qemu second=vmtool; fi
	boot $first $pair
	boot $second $pair
	pair=$((pair + 1))
done
