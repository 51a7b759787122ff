# starts.sh ROUNDS SEED - ROUNDS commands are started, eight at once, and end; whoever serves them has as
# many descriptors and as much memory afterwards as before: the guest's agent, and with a VM the host's agent
# and the vmm too. Exits 1 when not, or when one of them failed.
#
# In the lab over vsock with a VM; outside with a guest agent: sh test/soak/starts.sh 10000 1
rounds=$1 seed=$2
at_once=8
in=/lab/in
[ -d $in ] || in=test/both
. $in/target.sh
dir=$(mktemp -d)
trap 'target_end; rm -rf "$dir"' EXIT

start_all() { # COUNT
	loop=0 loops=
	while [ $loop -lt $at_once ]; do
		{
			i=$loop
			while [ "$i" -lt "$1" ]; do
				vmtool exec "$target" -- true </dev/null || echo "start $i: $?" >>"$dir/wrong"
				i=$((i + at_once))
			done
		} &
		loops="$loops $!"
		loop=$((loop + 1))
	done
	# shellcheck disable=SC2086 # one argument each
	wait $loops
}

# "NAME DESCRIPTORS KIB", one a line. The vmm's memory is its guest's.
figures() {
	echo "guest_agent $(agent_descriptors) $(agent_memory)"
	[ "$agent" = 1 ] || return 0
	pid=$(processes agent)
	echo "host_agent $(ls "/proc/$pid/fd" | wc -l) $(awk '/^Private_Dirty/ { print $2 }' "/proc/$pid/smaps_rollup")"
	echo "vmm $(ls "/proc/$(processes vmm)/fd" | wc -l) 0"
}

# more BEFORE AFTER: who has more descriptors now, or 128 KiB more.
more() {
	awk 'NR == FNR { fds[$1] = $2; kib[$1] = $3; next }
		$2 > fds[$1] || $3 > kib[$1] + 128 { print $1 ": " fds[$1] " descriptors, " kib[$1] " KiB; then " $2 ", " $3 }' "$1" "$2"
}
are_as_before() {
	figures >"$dir/after"
	[ -z "$(more "$dir/before" "$dir/after")" ]
}

touch "$dir/wrong"
start_all $((at_once * 2)) # what is touched once, is
figures >"$dir/before"
start_all "$rounds"
within 20 are_as_before || more "$dir/before" "$dir/after" >>"$dir/wrong"
head -n 20 "$dir/wrong"
echo "before: $(xargs <"$dir/before"); after: $(xargs <"$dir/after")"
failures=$(wc -l <"$dir/wrong")
echo "starts: $rounds, $failures failures, SEED=$seed"
[ "$failures" -eq 0 ]
