# sessions.sh ROUNDS SEED - commands of every kind, exact codes, and in the end as many descriptors and
# as much memory of whoever serves them as in the beginning. Exits 1 when a round failed.
#
# In the lab over vsock with a VM; outside with a guest agent and vmtool on the PATH:
# sh test/soak/sessions.sh 10000 1
. "${0%/*}/random.sh"
rounds=$1 seed=$2
failures=0
dir=$(mktemp -d)

in=/lab/in
[ -d $in ] || in=test/both
. $in/target.sh
trap 'target_end; rm -rf "$dir"' EXIT

x() { vmtool exec "$@" </dev/null 2>>"$dir/err"; }

fail() {
	failures=$((failures + 1))
	echo "round $round ($kind): $*"
}

round_code() {
	random 256
	code=$number
	x "$target" -- sh -c "exit $code"
	[ $? = "$code" ] || fail "not $code"
}
round_terminal() {
	random 256
	code=$number
	x -t "$target" -- sh -c "exit $code" >/dev/null
	[ $? = "$code" ] || fail "not $code"
}
round_false() {
	x "$target" -- false
	[ $? = 1 ] || fail "false did not fail"
}
round_refused() {
	x "$target" -- /no/such/file
	[ $? = 127 ] || fail "not 127"
}
round_output() {
	random 300000
	size=$number
	[ "$(x "$target" -- head -c "$size" /dev/zero | wc -c)" = "$size" ] || fail "not $size bytes"
}
round_killed() { # the host's end dies: the command goes with it
	vmtool exec "$target" -- sh -c 'echo $$; exec sleep 600' >"$dir/pid" 2>/dev/null &
	client=$!
	until [ -s "$dir/pid" ]; do sleep 0.01; done
	kill -9 $client
	wait $client 2>/dev/null
	for _ in $(seq 500); do
		there "kill -0 $(cat "$dir/pid")" 2>/dev/null || break
		sleep 0.01
	done
	there "kill -0 $(cat "$dir/pid")" 2>/dev/null && fail "it still runs"
	rm "$dir/pid"
}
round_shot() { # the command is shot, not asked
	x "$target" -- sh -c 'kill -9 $$'
	[ $? = 137 ] || fail "not 137"
}
round_detached() {
	random 256
	code=$number
	id=$(x -d "$target" -- sh -c "seq 1 100; exit $code")
	[ "$(vmtool attach "$target" "$id" </dev/null | cksum)" = "$(seq 1 100 | cksum)" ] || fail "output of $id"
	vmtool attach "$target" "$id" </dev/null >/dev/null
	[ $? = "$code" ] || fail "not $code"
}
round_orphans() {
	x "$target" -- sh -c 'for i in 1 2 3 4 5; do sleep 0.1 >/dev/null 2>&1 & done; exit 3'
	[ $? = 3 ] || fail "not 3"
}
kinds="code terminal false refused output killed shot detached orphans"

for _ in $(seq 200); do
	vmtool exec "$target" -- true 2>/dev/null && break
	sleep 0.05
done
for kind in $kinds; do # what is touched once, is
	round=0
	"round_$kind"
done
for i in $(seq 32); do x -d "$target" -- seq 1 100 >/dev/null; done
# Those that were cut off have their graces to end in; then nobody is left.
for _ in $(seq 100); do
	[ -n "$(agent_children)" ] || break
	sleep 0.1
done
before="$(agent_descriptors) $(agent_memory)"

for round in $(seq "$rounds"); do
	random 9
	kind=$(echo $kinds | cut -d' ' -f$((number + 1)))
	"round_$kind"
done

round=slow kind=terminal
[ "$(vmtool exec -t "$target" -- sh -c 'stty raw; head -c 10000000 /dev/zero' </dev/null | {
	sleep $((rounds < 1000 ? 2 : 10))
	wc -c
})" = 10000000 ] || fail "a reader that slept lost bytes"
round=bulk kind=cat size=$((rounds * 100000))
[ "$(yes | head -c $size | vmtool exec "$target" -- cat | cksum)" = "$(yes | head -c $size | cksum)" ] ||
	fail "$size bytes changed on their way"

for i in $(seq 32); do x -d "$target" -- seq 1 100 >/dev/null; done
# Those that were cut off have their graces to end in.
for _ in $(seq 100); do
	[ "$(agent_descriptors)" -gt "${before% *}" ] || break
	sleep 0.1
done
after="$(agent_descriptors) $(agent_memory)"
[ "${after% *}" -le "${before% *}" ] || fail "descriptors: $before, then $after"
[ "${after#* }" -le $((${before#* } + 256)) ] || fail "memory: $before, then $after"
echo "rounds: $rounds, failures: $failures, seed: $2; descriptors and KiB: $before before, $after after"
[ $failures = 0 ]
