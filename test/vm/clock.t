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

# The host's own clock is set, or it slept.
had=$(steps)
date -s "@$(($(date +%s) + 600))" >/dev/null
ok "a guest follows when the host's clock is set" within 1 stepped
ok "to the host's" within_100ms

# A guest that does not answer holds nobody up.
kill -STOP "$(processes vmm)"
kill -CONT "$(processes agent)"
run vmtool ls
is "$rc" 0 "while the guest hangs the agent does not"
run vmtool stop -f web
is "$rc" 0 "and can be told to stop it"
vmtool rm web
is "$(left)" "" "nothing is left"
done_testing
