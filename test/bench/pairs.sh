# pairs.sh PAIRS MIB CPUS - runs inside the lab; one line a sample: "BENCH SIDE PAIR VALUE".
#
# Ours and the peer's alternate, and which goes first alternates too, so that a machine that
# drifts drifts for both. Pair 0 warms up and is not counted.
set -eu
pairs=$1 mib=$2 cpus=$3
append='console=ttyS0 quiet panic=-1'

busybox tar -xf /lab/in/qemu.tar -C /
chmod +x /lab/in/bootclock
echo 1 >/sys/kernel/tracing/events/kvm/kvm_userspace_exit/enable

sample() { # BENCH SIDE PAIR VALUE
	[ "$3" -eq 0 ] || echo "$@"
}

boot() { # SIDE PAIR
	set -- "$1" "$2" $(/lab/in/bootclock "$1" /lab/vmlinux /lab/in/initrd "$mib" "$cpus" "$append" \
		'bench: init runs')
	sample boot_to_init "$1" "$2" "$3"
	sample vmm_memory_outside_ram "$1" "$2" "$4"
	sample exits_per_boot "$1" "$2" "$5"
	# The peer knows no Ready: its guest's first line has to do, which is in its favour.
	[ "$1" = vmtool ] || sample start_to_ready "$1" "$2" "$3"
}

start() { # PAIR
	vmtool start bench --kernel /lab/vmlinux --initrd /lab/initrd --memory "${mib}M" --cpus "$cpus" \
		>/dev/null 2>/tmp/start.log || { cat /tmp/start.log >&2; exit 1; }
	sample start_to_ready vmtool "$1" "$(sed -n 's/.*ready in \([0-9]*\) ms.*/\1/p' /tmp/start.log)"
	# All but the guest's own time: up to its first instruction, and from its last word on.
	sample start_host_share vmtool "$1" "$(awk -F'"t_ms":' '
		{ split($2, t, ",") }
		/"stage":"vmm","state":"done"/ { runs = t[1] }
		/"stage":"guest","state":"done"/ { told = t[1] }
		/"event":"ready"/ { print runs + t[1] - told; exit }
	' "$HOME/.local/state/vmtool/vms/bench/events.jsonl")"
	vmtool stop bench >/dev/null 2>&1
	vmtool rm bench >/dev/null 2>&1
}

pair=0
while [ "$pair" -le "$pairs" ]; do
	if [ $((pair % 2)) = 0 ]; then
		boot vmtool $pair
		start $pair
		boot qemu $pair
	else
		boot qemu $pair
		boot vmtool $pair
		start $pair
	fi
	pair=$((pair + 1))
done
