# clock: a guest's time is the host's, also after one of them was stopped or set.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

events=$VMTOOL_HOME/vms/web/events.jsonl
steps() { grep -c '"event":"clock","did":"stepped"' "$events"; }
stepped() { [ "$(steps)" -gt "$had" ]; }

# As anybody would look: the guest's time lies between two readings of the host's, to 100 ms.
ms() { # [WHERE...]; who has slewed a clock by nanoseconds (STA_NANO, 0x2000) reads it in them
	"$@" adjtimex | awk '/status/ { unit = int($2 / 8192) % 2 ? 1000000 : 1000 }
		/tv_sec/ { s = $2 } /tv_usec/ { part = $2 } END { printf "%.0f", s * 1000 + part / unit }'
}
within_100ms() {
	before=$(ms) guest=$(ms vmtool exec web --) after=$(ms)
	diag "the guest says $((guest - before)) ms after $before, the host $((after - before))"
	[ "$guest" -gt $((before - 100)) ] && [ "$guest" -lt $((after + 100)) ]
}
set_guest() { vmtool exec web -- date -s "@$(($(date +%s) + $1))" >/dev/null; }	# SECONDS ahead

start web -q >/dev/null
is_known() { vmtool show --json web | tr -d ' \n' | grep -q '"clock":{"ahead_ms":'; }
ok "a new guest's clock is compared" within 5 is_known
ok "it is right" within_100ms

# The host's side was stopped, and the guest's clock is an hour late.
had=$(steps)
set_guest -3600
kill -STOP "$(processes agent)"
kill -CONT "$(processes agent)"
ok "an agent that goes on corrects the clock within a second" within 1 stepped
ok "to the host's" within_100ms
like "$(grep '"event":"clock"' "$events" | tail -n 1)" '"ahead_ms":-36' "and tells how wrong it was"

# The machine was stopped for a while, as by a pause.
had=$(steps)
set_guest 60
kill -STOP "$(processes vmm)"
sleep 3 # this is the pause
kill -CONT "$(processes vmm)"
ok "a machine that goes on has its clock corrected within a second" within 1 stepped
ok "to the host's" within_100ms

kill -STOP "$(processes vmm)"
sleep 1 # this is the pause
kill -CONT "$(processes vmm)"
ok "a pause alone leaves it right" within_100ms

# The same of one whose agent is not the one that started it.
ok "an agent dies" slay "$(processes agent)"
vmtool ls >/dev/null
is "$(processes agent | wc -l)" 1 "a VM has another agent"
had=$(steps)
set_guest 60
kill -STOP "$(processes vmm)"
sleep 3 # this is the pause
run timeout 5 vmtool show web
is "$rc" 0 "which answers while the machine is stopped"
kill -CONT "$(processes vmm)"
ok "and corrects its clock within a second when it goes on" within 1 stepped
ok "to the host's" within_100ms

# The host's own clock is set, or it slept.
had=$(steps)
date -s "@$(($(date +%s) + 600))" >/dev/null
ok "a guest follows when the host's clock is set" within 1 stepped
ok "to the host's" within_100ms

# --- leaps of an hour, while one starts, is ready, and stops ---

# Measured by what no setting moves.
up_ms() { awk '{ printf "%d", $1 * 1000 }' /proc/uptime; }
leap() { date -s "@$(($(date +%s) + $1))" >/dev/null; }	# SECONDS
# leaps_during COMMAND...: forth, back and back; $took milliseconds.
leaps_during() {
	began=$(up_ms)
	"$@" >"$tap_dir/out" 2>"$tap_dir/err" &
	for far in 3600 -7200 3600; do sleep 0.4; leap $far; done
	wait $!
	rc=$? took=$(($(up_ms) - began)) out=$(cat "$tap_dir/out") err=$(cat "$tap_dir/err")
	diag "$* -> $rc after $took ms: $err"
}
took_from_to() { [ "$took" -ge "$1" ] && [ "$took" -le "$2" ]; }

leaps_during start late -q --timeout 3s --probe 'held exec=test -e /tmp/go'
is "$rc" 124 "a start that comes to nothing ends at its deadline"
ok "which is no sooner and no later for a clock that leaps" took_from_to 2900 4500
leaps_during start late -q --timeout 3s --probe 'held exec=sleep 2'
is "$rc" 0 "one that takes two seconds is ready"
ok "after two seconds" took_from_to 1900 3000
like "$(vmtool ls --no-header --columns uptime late)" "[0-3]s" "it has been up for seconds, not hours"
leaps_during vmtool wait late --for boot_done=false --timeout 2s
is "$rc" 124 "who waits does so until the deadline"
ok "of two seconds" took_from_to 1900 2600
vmtool exec -d late -- sh -c 'trap "" TERM; while :; do sleep 1; done' >/dev/null
leaps_during vmtool stop -t 3s late
is "$rc" 0 "it stops"
like "$err" "(rung guest)" "with its guest's help"
ok "and neither cut short nor waited for" took_from_to 1000 4000
backwards() {	# events whose t_ms is less than one's before it in the same boot
	sed -n 's/^.*"t_ms":\([0-9]*\),.*"boot":"\([^"]*\)".*/\2 \1/p' "$VMTOOL_HOME/vms/$1/events.jsonl" |
		awk '$1 == boot && $2 < t { n++ } { boot = $1; t = $2 } END { print n + 0 "/" (NR > 10) }'
}
is "$(backwards late)" "0/1" "its events tell milliseconds that never go backwards"
vmtool rm late
ok "a guest that saw all of it has the host's time" within_100ms

# --- a guest that does not answer holds nobody up ---

kill -STOP "$(processes vmm)"
run vmtool ls
is "$rc" 0 "while the guest hangs the agent does not"
run vmtool stop -t 1s web
is "$rc" 0 "and can be told to stop it"
like "$err" "(rung kill)" "by the one rung that one who was stopped cannot miss"
vmtool rm web
is "$(left)" "" "nothing is left"
done_testing
