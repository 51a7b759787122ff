# events: what is told, in what order, whatever lies in the file.
. test/lib.sh
. test/cli/vms.sh

run "$vmtool" events web
is "$rc" 1 "no VM, no events"
"$vmtool" create web --kernel "$kernel" >/dev/null
run "$vmtool" events web
is "$rc/$out" "0/" "nothing has happened to one that was made"

vm_up web
vm_tell web "events 3"
vm_tell web "down agent_up"
has() { [ "$("$vmtool" events --json web | wc -l)" -ge "$1" ]; }
ok "a VM lives" within 10 has 5
run "$vmtool" events --json web
is "$rc/$(grep -o '"seq":[0-9]*' <<<"$out" | paste -sd ' ')" '0/"seq":1 "seq":2 "seq":3 "seq":4 "seq":5' "its events come in order"
is "$out" "$(cat "$VMTOOL_HOME/vms/web/events.jsonl")" "as they stand in the file"
is "$("$vmtool" events --json --since 4 web | wc -l)" 2 "--since a number begins with it"
is "$("$vmtool" events --json --since 6 web)" "" "--since one that is to come is nothing yet"
is "$("$vmtool" events --json --since 1h web | wc -l)" 5 "--since an hour ago"
is "$("$vmtool" events --json --since 2126-01-01T00:00:00+01:00 web)" "" "--since the next century"
is "$("$vmtool" events --json --type agent web | wc -l)" 3 "--type leaves others out"
is "$("$vmtool" events --json --type agent --type ready web | wc -l)" 4 "of several types all"
like "$("$vmtool" events web)" "condition *name=agent_up  value=false  reason=the test said so" "for people"
for bad in "--since soon" "--since 2026-13-01T00:00:00Z" "--until flying" "--until ready=no" "--until gone" "--type Exit"; do
	# shellcheck disable=SC2086
	run "$vmtool" events $bad web
	is "$rc" 2 "$bad is wrong usage"
done

# following
mkfifo pipe
"$vmtool" events --json --follow --since 5 web >pipe &
follower=$!
exec {told}<pipe
read -r -t 20 -u "$told" line
like "$line" '"seq":5' "a follower is told what was"
vm_tell web "up agent_up"
read -r -t 20 -u "$told" line
like "$line" '"seq":6,*"agent_up","value":true' "and what happens"
vm_tell web "exit guest_poweroff"
read -r -t 20 -u "$told" line
like "$line" '"event":"exit","reason":"guest_poweroff"' "its end"
ok "the agent goes" within 10 vm_ended web
printf '{"seq":8,"ti' >>"$VMTOOL_HOME/vms/web/events.jsonl"
is "$("$vmtool" events --json web 2>/dev/null | wc -l)" 7 "half a line is no event"
run "$vmtool" events web
like "$err" "events.jsonl:8: is no event" "and is told"
vm_up web
read -r -t 20 -u "$told" line
like "$line" '"seq":8,*"ready"' "and its next start, under another agent"
"$vmtool" rm -f web
wait "$follower"
is $? 0 "until the VM is removed"
exec {told}<&-

# whatever lies in the file
vm_up odd
log=$VMTOOL_HOME/vms/odd/events.jsonl
{
	echo 'garbage'
	echo '{"seq":"2"}'
	head -c 100000 /dev/zero | tr '\0' x
	echo
	head -c 300 /dev/urandom | tr -d '\n'
	printf '\n\n[]\n'
} >>"$log"
vm_tell odd "events 2"
has_two() { [ "$("$vmtool" events --json --type agent odd 2>/dev/null | wc -l)" = 2 ]; }
ok "events behind rubbish are told" within 10 has_two
run "$vmtool" events --json odd
is "$rc/$(wc -l <<<"$out")" "0/3" "and those before it, and nothing else"
is "$(grep -o 'jsonl:[0-9]*: is no event' <<<"$err" | paste -sd ' ')" \
	"jsonl:2: is no event jsonl:3: is no event jsonl:4: is no event jsonl:5: is no event jsonl:6: is no event jsonl:7: is no event" \
	"each line of rubbish is told by its number"

# --until
run "$vmtool" events --until ready odd
is "$rc" 0 "what is so is not waited for"
"$vmtool" events --until agent_up=false --json odd 2>/dev/null >out &
follower=$!
vm_tell odd "down agent_up"
wait "$follower"
is "$?/$(tail -n 1 out | grep -c agent_up)" 0/1 "--until ends with the event that makes it so"
"$vmtool" events --until ssh_banner odd >/dev/null 2>err &
follower=$!
vm_tell odd "exit panic"
wait "$follower"
is $? 1 "and is a no when the VM ends"
like "$(cat err)" "odd: has ended, and not: ssh_banner" "which is said"
run "$vmtool" events --until ready odd
is "$rc" 1 "that an earlier boot was ready is not asked for"
run "$vmtool" events --until ready --since 1 odd
is "$rc" 0 "unless it is"
run sh -c "'$vmtool' events --json odd >/dev/full"
is "$rc" 1 "a full disk is no success"
done_testing
