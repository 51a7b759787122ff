# delays.sh PAIRS - runs inside the lab; one line a sample: "BENCH SIDE PAIR VALUE", in milliseconds.
#
# From an event in the guest (a script of its boot that ends, at some moment) to the host's script
# going on: behind a `start` that returns, and behind a loop that asks every 200 ms, or every 3 s. The
# guest says when it was by its own clock, and vmtool how far that is from the host's. Pair 0 warms
# up and is not counted.
set -eu
pairs=$1

export VMTOOL_HOME=/tmp/delays
chmod +x /lab/in/gauge
gauge=/lab/in/gauge

sample() { # BENCH SIDE PAIR VALUE
	[ "$3" -eq 0 ] || echo "$@"
}

# Between 100 and 1000 ms, another one for each pair.
moment() { awk -v n="$1" 'BEGIN { printf "%.3f\n", (100 + n * 617 % 900) / 1000 }'; }

# How far the guest's clock is ahead, once that is known; in ms.
ahead() {
	while :; do
		text=$(vmtool show bench | awk '$1 == "guest.clock.ahead_ms" { print $2 }')
		[ -z "$text" ] || { echo "$text"; return; }
		sleep 0.1
	done
}

# GUEST_NS HOST_NS: ms between them. The last digits are too many for awk, and do not count.
between() { awk -v g="$1" -v h="$2" -v a="$(ahead)" 'BEGIN { printf "%.3f\n", (h - g) / 1e6 + a }'; }

start() { vmtool start bench -q --kernel /lab/vmlinux --initrd /lab/in/gauge.initrd "$@" >/dev/null; }

by_start() { # PAIR
	start --script "sh sleep $(moment "$1"); gauge now"
	now=$($gauge now)
	delay=$(between "$(tail -n 1 $VMTOOL_HOME/vms/bench/provision.log)" "$now")
	sample ready_delay vmtool "$1" "$delay"
	sample ready_delay_3s vmtool "$1" "$delay"
	vmtool rm -f bench
}

by_poll() { # PAIR BENCH SIDE SECONDS
	vmtool exec bench -- rm -f /tmp/event
	vmtool exec -d bench -- sh -c "sleep $(moment "$1"); gauge now >/tmp/new; mv /tmp/new /tmp/event" >/dev/null
	until vmtool exec bench -- test -e /tmp/event; do sleep "$4"; done
	now=$($gauge now)
	sample "$2" "$3" "$1" "$(between "$(vmtool exec bench -- cat /tmp/event)" "$now")"
}

pair=0
while [ "$pair" -le "$pairs" ]; do
	by_start $pair
	start
	by_poll $pair ready_delay poll 0.2
	by_poll $pair ready_delay_3s poll3s 3
	vmtool rm -f bench
	pair=$((pair + 1))
done
