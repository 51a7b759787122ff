# copy.sh ROUNDS SEED - 128 MiB into a VM and out of it, and copies that are cut off; runs in the lab.
#
# After each round hashes agree, and nothing of a copy that was cut off is left. Exits 1 when a round failed.
. /lab/in/host.sh
. /lab/in/random.sh

rounds=$1 seed=$2 first_seed=$2
failures=0

sum() { md5sum | cut -c 1-32; }
in_guest() { vmtool exec web -- "$@"; }

fail() {
	failures=$((failures + 1))
	echo "copy: round $round: $*"
}

# Ended by a signal at some moment, the old file must be there, or the new one, and nothing else.
cut_off() {	# SIGNAL
	in_guest sh -c 'mkdir -p /tmp/cut; rm -f /tmp/cut/*; echo old >/tmp/cut/f'
	vmtool cp /tmp/big web:/tmp/cut/f 2>/dev/null &
	cut=$!
	random 800
	sleep "0.$((100 + number))"
	kill "-$1" $cut 2>/dev/null
	wait $cut 2>/dev/null
	within 20 in_guest sh -c '! pidof filed' || return 1
	[ "$(in_guest ls -A /tmp/cut)" = f ] || return 1
	case $(in_guest sh -c 'cat /tmp/cut/f | md5sum' | cut -c 1-32) in
	"$big" | "$(echo old | sum)") ;;
	*) return 1 ;;
	esac
}

start web --memory 1G >/dev/null 2>&1 || { echo "no VM starts"; exit 1; }
round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	random 4096
	head -c $((128 * 1024 * 1024 - number)) /dev/urandom >/tmp/big
	big=$(sum </tmp/big)
	vmtool cp /tmp/big web:/tmp/big || fail "in"
	[ "$(in_guest md5sum /tmp/big | cut -c 1-32)" = "$big" ] || fail "the guest has other bytes"
	rm -f /tmp/back
	vmtool cp web:/tmp/big /tmp/back || fail "out"
	[ "$(sum </tmp/back)" = "$big" ] || fail "other bytes came back"
	in_guest rm -f /tmp/big
	cut_off "$([ $((round % 2)) = 0 ] && echo INT || echo KILL)" || fail "cut off"
done
vmtool stop web >/dev/null 2>&1
echo "copy: $rounds rounds, $failures failures, SEED=$first_seed"
[ "$failures" -eq 0 ]
