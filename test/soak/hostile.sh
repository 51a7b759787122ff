# hostile.sh ROUNDS SEED - a guest that accesses what no driver does (test/guests/bare/hostile.c), each time otherwise and
# on another board. It may break its own memory, by a device that it has write there; its machine goes on until the
# guest ends it, or a processor cannot. Exits 1 when a vmm ended by anything else. In the lab, or here: sh
# test/soak/hostile.sh 1000 1
# with: out/bare
rounds=$1 seed=$2 first_seed=$2 failures=0 broken=0
if [ -d /lab/in ]; then
	programs=/lab/in/bare
	. /lab/in/random.sh
	modprobe tun && tunctl -t web0 >/dev/null && nic=tap=web0
else
	PATH=$PWD/out:$PATH programs=out/bare nic=
	. test/soak/random.sh
fi
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export VMTOOL_HOME=$dir/home
for disk in a b; do dd if=/dev/zero of="$dir/$disk" bs=1048576 count=4 2>/dev/null; done

# It has said "done", or its memory was broken, by itself: a reset, or a processor that cannot go on.
ended_well() {
	case $rc/$(tail -n 1 "$dir/said") in
	0/done) ! grep -q '^not ok' "$dir/said" ;;
	0/*) broken=$((broken + 1)) ;;
	1/*) broken=$((broken + 1)) && grep -q 'machine ended: error: KVM ' "$dir/err" ;;
	*) return 1 ;;
	esac
}

round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	random 1000
	start=$number
	set -- --cpus $((round % 3 + 1)) --vsock "$dir/v$round"
	random 2 && [ $number = 1 ] && set -- "$@" --console-device virtio
	random 3 && [ $number -gt 0 ] && set -- "$@" --disk "$dir/a"
	[ $number -gt 1 ] && set -- "$@" --disk "$dir/b,ro"
	[ -z "$nic" ] || set -- "$@" --nic $nic
	rc=0
	timeout -s KILL 60 vmtool vmm --kvm any --kernel "$programs/hostile" --plain --reboot end --append "seed=$start" "$@" \
		</dev/null >"$dir/said" 2>"$dir/err" || rc=$?
	tr -d '\r' <"$dir/said" >"$dir/clean" && mv "$dir/clean" "$dir/said"
	ended_well && continue
	failures=$((failures + 1))
	echo "round $round (seed=$start $*): $rc"
	tail -n 3 "$dir/said" "$dir/err"
done
echo "hostile: $rounds rounds, $broken broke their own memory, $failures failures, SEED=$first_seed"
[ $failures -eq 0 ]
