# lifecycle.sh ROUNDS SEED - VMs that start, answer, and end in every way there is; runs in the lab.
#
# After each round nothing may be left: no process, no socket, no VM. Exits 1 when a round failed.
. /lab/in/host.sh
. /lab/in/random.sh

rounds=$1 seed=$2
failures=0

gone() { nobody_runs && ! state_is web running; }

end_stop() { vmtool stop web >/dev/null 2>&1; }
end_poweroff() { vmtool exec web -- poweroff -f >/dev/null 2>&1 || true; }
end_reboot() { vmtool exec web -- reboot -f >/dev/null 2>&1 || true; }
end_panic() { vmtool exec web -- sh -c 'echo c >/proc/sysrq-trigger' >/dev/null 2>&1 || true; }
end_vmm() { kill -9 $(processes vmm); }
end_agent() {	# which the next command replaces
	kill -9 $(processes agent)
	[ "$(vmtool exec web -- echo here 2>&1)" = here ] || fail agent "exec did not answer without an agent"
	vmtool stop web 2>&1 | grep -q 'disks synced' || fail agent "it was not stopped in order"
}
end_both() {
	kill -9 $(processes agent) $(processes vmm)
	within 15 state_is web failed || fail both "it is not shown as failed: $(vmtool ls)"
}
end_busy() {	# stopped while commands run
	vmtool exec web -- sh -c 'while :; do echo busy; done' >/dev/null 2>&1 &
	vmtool exec web -- sleep 1000 >/dev/null 2>&1 &
	vmtool stop web >/dev/null 2>&1
}

fail() {
	failures=$((failures + 1))
	echo "round $round ($1): $2"
}

round_of() { # END [OPTION]...
	ending=$1
	shift
	start web "$@" >/tmp/out 2>&1 || { fail "$ending" "start: $(tail -n 1 /tmp/out)"; return; }
	[ "$(vmtool exec web -- echo here 2>&1)" = here ] || fail "$ending" "exec did not answer"
	"end_$ending"
	within 15 gone || fail "$ending" "something still runs"
	orderly || fail "$ending" "its folder: $(ls -A "$VMTOOL_HOME/vms/web" | xargs)"
	vmtool rm -f web >/tmp/out 2>&1 || fail "$ending" "rm: $(tail -n 1 /tmp/out)"
	nothing_left || fail "$ending" "left behind: $(left | xargs)"
}

# No half-written file, and events in one numbering.
orderly() {
	! ls -A "$VMTOOL_HOME/vms/web" | grep -q '^[.]' &&
		sed 's/^{"seq":\([0-9]*\),.*/\1/' "$VMTOOL_HOME/vms/web/events.jsonl" >/tmp/seq &&
		seq 1 "$(wc -l </tmp/seq)" | cmp -s - /tmp/seq
}

# Tool and agent killed at some moment of the start: whatever there is by then, a command sees the
# truth of it and another ends it.
round_of_orphan() {
	random 300 # a start takes a quarter of a second
	ms=$number
	vmtool start web --kernel /lab/vmlinux --initrd /lab/initrd >/dev/null 2>&1 & # not a shell that waits for it
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
	kill -9 $! $(processes agent) 2>/dev/null
	wait $! 2>/dev/null
	vmtool ls >/tmp/out 2>&1 || fail orphan "ls after $ms ms: $(tail -n 1 /tmp/out)"
	vmtool rm -f web >/tmp/out 2>&1 || fail orphan "rm after $ms ms: $(tail -n 1 /tmp/out)"
	within 15 nothing_left || fail orphan "left behind after $ms ms: $(left | xargs) $(processes | xargs)"
}

# Killed at some moment of its start, it must undo all of it.
round_of_cancel() {
	random 300 # a start takes a quarter of a second
	ms=$number
	vmtool start web --kernel /lab/vmlinux --initrd /lab/initrd >/dev/null 2>&1 & # not a shell that waits for it
	sleep "$((ms / 1000)).$(printf %03d $((ms % 1000)))"
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null && end_stop # too late
	within 15 gone || { end_stop; within 15 gone || fail cancel "something still runs after $ms ms"; }
	vmtool rm -f web >/dev/null 2>&1
	nothing_left || fail cancel "left behind after $ms ms: $(left | xargs)"
}

round=0
first_seed=$seed
while [ "$round" -lt "$rounds" ]; do
	round=$((round + 1))
	random 10
	[ "$round" -gt 10 ] || number=$((round - 1)) # each way once, then any
	case $number in
	0) round_of stop ;;
	1) round_of poweroff ;;
	2) round_of reboot --reboot end ;;
	3) round_of panic ;;
	4) round_of vmm ;;
	5) round_of agent ;;
	6) round_of busy ;;
	7) round_of_cancel ;;
	8) round_of both ;;
	9) round_of_orphan ;;
	esac
done
echo "lifecycle: $rounds rounds, $failures failures, SEED=$first_seed"
[ "$failures" -eq 0 ]
