# pairs.sh PAIRS MIB CPUS NAME... - runs inside the lab; one line a sample: "BENCH SIDE PAIR VALUE".
#
# Ours and the peer's alternate, and which goes first alternates too, so that a machine that
# drifts drifts for both. Pair 0 warms up and is not counted.
set -eu
pairs=$1 mib=$2 cpus=$3
shift 3
names=" $* "
append='console=ttyS0 quiet panic=-1'

busybox tar -xf /lab/in/qemu.tar -C /
chmod +x /lab/in/bootclock
echo 1 >/sys/kernel/tracing/events/kvm/kvm_userspace_exit/enable

sample() { # BENCH SIDE PAIR VALUE
	[ "$3" -eq 0 ] || echo "$@"
}

clock() { # SIDE MIB CPUS DISKS TAP
	/lab/in/bootclock "$1" /lab/vmlinux /lab/in/initrd "$2" "$3" "$append" 'bench: init runs' with "$4" "$5"
}

boot() { # SIDE PAIR
	set -- "$1" "$2" $(clock "$1" "$mib" "$cpus" 0 -)
	sample boot_to_init "$1" "$2" "$3"
	sample vmm_memory_outside_ram "$1" "$2" "$4"
	sample exits_per_boot "$1" "$2" "$5"
	# The peer knows no Ready: its guest's first line has to do, which is in its favour.
	[ "$1" = vmtool ] || sample start_to_ready "$1" "$2" "$3"
}

# Four CPUs, two disks, a card on a tap, entropy and a balloon.
boot_all() { # SIDE PAIR
	set -- "$1" "$2" $(clock "$1" "$mib" 4 2 bench0)
	sample boot_all_devices "$1" "$2" "$3"
	sample memory_all_devices "$1" "$2" "$4"
	sample exits_all_devices "$1" "$2" "$5"
}

grow() { # SIDE PAIR: from one CPU, 256 MiB and no disk on, one of them at a time
	for size in 1:256:0 2:256:0 4:256:0 8:256:0 1:1024:0 1:4096:0 1:256:4 1:256:8; do
		set -- "$1" "$2" $(IFS=: && set -- "$1" $size && clock "$1" "$3" "$2" "$4" -)
		[ "$2" -eq 0 ] || echo "growth $1 $size $3 $4 $5"
	done
}

asked() { # NAME...: one of them was
	for name; do case $names in *" $name "*) return 0 ;; esac; done
	return 1
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

for i in 0 1 2 3 4 5 6 7; do truncate -s 16M /tmp/disk.$i; done
echo 1 >/proc/sys/vm/overcommit_memory # the peer asks for all of 4 GiB
tunctl -t bench0 >/dev/null

# BOTH FUNCTION PAIR [OURS]: in turns; what we alone do comes behind our own.
both() {
	if [ $(($2 % 2)) = 0 ]; then
		"$1" vmtool "$2"
		${3:+"$3" "$2"}
		"$1" qemu "$2"
	else
		"$1" qemu "$2"
		"$1" vmtool "$2"
		${3:+"$3" "$2"}
	fi
}

pair=0
while [ "$pair" -le "$pairs" ]; do
	if asked boot_to_init vmm_memory_outside_ram exits_per_boot start_to_ready; then both boot $pair start; fi
	if asked boot_all_devices memory_all_devices exits_all_devices; then both boot_all $pair; fi
	if asked growth; then both grow $pair; fi
	pair=$((pair + 1))
done
