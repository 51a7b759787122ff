# delays.sh PAIRS NAME... - runs inside the lab; one line a sample: "BENCH SIDE PAIR VALUE".
#
# ready_delay: from an event in the guest (a script of its boot ends, at some moment) to the host's
# script going on, in milliseconds: behind a `start` that returns; behind a loop that asks every 200 ms,
# or every 3 s; and behind the least there is (_bare), where a process of the guest's passes the last
# byte of such a script to one of the host's that waits for it. The guest says when it was by the clock
# that nobody sets. How that one stands to the host's is known once vmtool has compared their wall clocks.
#
# start_cpu: what `start` and the VM's agent have used of a CPU, from their own start on, 10 s into the
# wait for such a script; and what a loop uses. Pair 0 warms up and is not counted.
set -eu
pairs=$1
shift
names=" $* "

export VMTOOL_HOME=/tmp/delays
chmod +x /lab/in/gauge
gauge=/lab/in/gauge
sock=$VMTOOL_HOME/run/bench/vsock.sock
wait_s=10

sample() { # BENCH SIDE PAIR VALUE
	[ "$3" -eq 0 ] || echo "$@"
}

# is_asked NAME...: one of them was.
is_asked() {
	for name; do case $names in *" $name "*) return 0 ;; esac; done
	return 1
}

# Between 100 and 1000 ms, another one for each pair.
moment() { awk -v n="$1" 'BEGIN { printf "%.3f\n", (100 + n * 617 % 900) / 1000 }'; }

# How far the guest's wall clock is ahead of the host's, once that is known; in ms.
ahead() {
	while :; do
		text=$(vmtool show bench | awk '$1 == "guest.clock.ahead_ms" { print $2 }')
		[ -z "$text" ] || { echo "$text"; return; }
		sleep 0.1
	done
}

# UPTIME_NS HOST_NS: ms from the guest's event to the host's. The last digits are too many for awk, and do not count.
between() {
	ahead=$(ahead)
	shift_ns=$(vmtool exec bench -- gauge shift)
	awk -v g="$1" -v s="$shift_ns" -v a="$ahead" -v h="$2" 'BEGIN { printf "%.3f\n", (h - s - g) / 1e6 + a }'
}

exec_start() { exec vmtool start bench -q --kernel /lab/vmlinux --initrd /lab/in/gauge.initrd "$@" >/dev/null; }
start() { (exec_start "$@"); }

by_start() { # PAIR
	start --script "sh sleep $(moment "$1"); gauge uptime"
	now=$($gauge now)
	delay=$(between "$(tail -n 1 $VMTOOL_HOME/vms/bench/provision.log)" "$now")
	for bench in ready_delay ready_delay_3s ready_delay_bare; do
		sample $bench vmtool "$1" "$delay"
	done
}

by_poll() { # PAIR BENCH SIDE SECONDS
	vmtool exec bench -- rm -f /tmp/event
	vmtool exec -d bench -- sh -c "sleep $(moment "$1"); gauge uptime >/tmp/new; mv /tmp/new /tmp/event" >/dev/null
	until vmtool exec bench -- test -e /tmp/event; do sleep "$4"; done
	now=$($gauge now)
	sample "$2" "$3" "$1" "$(between "$(vmtool exec bench -- cat /tmp/event)" "$now")"
}

by_byte() { # PAIR
	vmtool exec -d bench -- gauge pass vsock:9000 sh -c "sleep $(moment "$1"); gauge uptime" >/dev/null
	until $gauge copy raw:$sock:9000 >/tmp/event 2>/dev/null; do sleep 0.1; done
	now=$($gauge now)
	sample ready_delay_bare relay "$1" "$(between "$(cat /tmp/event)" "$now")"
}

delays() { # PAIR
	by_start "$1"
	! is_asked ready_delay || by_poll "$1" ready_delay poll 0.2
	! is_asked ready_delay_3s || by_poll "$1" ready_delay_3s poll3s 3
	! is_asked ready_delay_bare || by_byte "$1"
	vmtool rm -f bench
}

# us that processes have had of a CPU: the sum of PID...
used() { for pid; do cut -d' ' -f1 "/proc/$pid/schedstat"; done | awk '{ sum += $1 } END { printf "%d", sum / 1000 }'; }

cpu_of_start() { # PAIR
	exec_start --script "sh sleep $((wait_s + 5))" &
	starter=$!
	sleep $wait_s
	agent=$(tr -d ' \n' <$VMTOOL_HOME/vms/bench/state.json | sed 's/.*"agent":{"pid":\([0-9]*\).*/\1/')
	sample start_cpu vmtool "$1" $(($(used $starter "$agent") / wait_s))
	wait $starter
}

cpu_of_poll() { # PAIR
	mkdir -p /sys/fs/cgroup/poll
	sh -c 'echo $$ >/sys/fs/cgroup/poll/cgroup.procs
		while :; do vmtool exec bench -- false; sleep 0.2; done' &
	poller=$!
	sleep $wait_s
	kill $poller
	sample start_cpu poll "$1" $(($(awk '/usage_usec/ { print $2 }' /sys/fs/cgroup/poll/cpu.stat) / wait_s))
	wait $poller || true
	until rmdir /sys/fs/cgroup/poll 2>/dev/null; do sleep 0.1; done
}

cpu() { # PAIR
	cpu_of_start "$1"
	cpu_of_poll "$1"
	vmtool rm -f bench
}

pair=0
while [ "$pair" -le "$pairs" ]; do
	! is_asked ready_delay ready_delay_3s ready_delay_bare || delays $pair
	! is_asked start_cpu || cpu $pair
	pair=$((pair + 1))
done
