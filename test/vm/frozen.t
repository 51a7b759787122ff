# frozen: a guest whose agent does nothing any more holds up nobody, and ends all the same.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh
cd "$tap_dir" || exit 1
events=$VMTOOL_HOME/vms/web/events.jsonl

# Processes 1 that are not ours, so that the agent is a process like another, which SIGSTOP stops. One
# hears the power button.
mkdir -p tree/sbin tree/www
echo hello from the guest >tree/www/index.html
cat >tree/sbin/deaf <<'END'
#!/bin/sh
httpd -p 127.0.0.1:80 -h /www
while :; do sleep 1000 & wait $!; done
END
cat >tree/sbin/hears <<'END'
#!/bin/sh
head -c 24 /dev/input/event0 >/dev/null
sync
exec poweroff -f
END
chmod 755 tree/sbin/*
cp /lab/initrd initrd
(cd tree && find . | cpio -o -H newc 2>/dev/null) >>initrd

start() { vmtool start "$@" --kernel /lab/vmlinux --initrd "$tap_dir/initrd"; }
freeze() { # SECONDS, from in there
	vmtool exec -d web -- sh -c "agent=\$PPID; sleep 0.2; kill -STOP \$agent; sleep $1; kill -CONT \$agent" >/dev/null
	sleep 0.5
}
get() { printf 'GET /index.html HTTP/1.0\r\n\r\n' | timeout 60 nc 127.0.0.1 "$1" 2>/dev/null | sed '1,/^\r*$/d'; }
serves() { [ "$(get "$1")" = "hello from the guest" ]; }

# in_time SECONDS COMMAND...: whatever it says, it has ended by then.
in_time() {
	limit=$1 began=$(date +%s)
	shift
	run timeout 100 "$@"
	took=$(($(date +%s) - began))
	diag "$* -> $rc in $took s: $err"
	[ "$took" -le "$limit" ]
}

run start web -q --init /sbin/deaf -p 8080:80
is "$rc" 0 "a guest with another process 1"
[ "$rc" = 0 ] || tap_note err "$err"
run start other -q --init /sbin/hears -p 8090:90 -p auto
is "$rc" 0 "and one beside it"
ok "its server is reached" within 20 serves 8080
freeze 60
ok "a frozen guest agent holds up no ls" in_time 2 vmtool ls
ok "no show" in_time 5 vmtool show web
is "$rc" 0 "which tells what is known"
ok "no forward ls" in_time 2 vmtool forward ls web
is "$rc/$(echo "$out" | grep -c 127.0.0.1:8080)" "0/1" "which has the forward"
ok "no forward add" in_time 2 vmtool forward add web 8081:80
is "$rc/$out" "0/127.0.0.1:8081" "which listens"
ok "no forward rm" in_time 2 vmtool forward rm web 8081
ok "no events" in_time 2 vmtool events web
ok "no other VM" in_time 2 vmtool exec other -- true
is "$rc" 0 "which does what it is asked"
ok "exec ends at its deadline" in_time 8 vmtool exec --timeout 2s web -- true
is "$rc" 124 "and says so"
ok "so does a connection to a port in there" in_time 3 vmtool ssh-proxy --timeout 2s web:80
is "$rc" 124 "and says so"
ok "and who waits for what does not come" in_time 4 vmtool wait web --for boot_done --timeout 2s
is "$rc" 124 "and says so"
is_up() { vmtool show --json web | grep -q '"agent_up": '"$1"; }
ok "soon its agent is not up any more" within 25 is_up false
like "$(vmtool show web)" "state * running*agent_up * no*the guest's exec server has stopped answering: no answer within 2 s" "and why is shown"
like "$(tail -n 3 "$events")" '"event":"agent","who":"guest","state":"lost"' "and told"
is "$(ls "$VMTOOL_HOME/vms/web" | grep -c '^ready$')" 0 "it is not called ready"
run vmtool exec web -- echo here
is "$rc/$out" "0/here" "a command is answered when the agent goes on"
ok "and it is up again" within 5 is_up true
like "$(tail -n 3 "$events")" '"event":"agent","who":"guest","state":"back"' "which is told as well"
ok "and called ready" test -e "$VMTOOL_HOME/vms/web/ready"
was=$(wc -l <"$events")
vmtool pause web
# Another VM's agent, meanwhile: nothing happens there.
agent=$(agent_of other)
wakes() { awk '/^voluntary_ctxt_switches/ { print $2 }' "/proc/$agent/status"; }
private() { awk '/^Private/ { n += $2 } END { print n }' "/proc/$agent/smaps_rollup"; }
began=$(wakes)
sleep 60 # this is the idling
woke=$(($(wakes) - began)) kib=$(private)
diag "an agent with forwards woke $woke times in 60 s, and has $kib KiB for itself"
ok "an idle agent wakes less than once a second" [ "$woke" -lt 60 -a "$woke" -gt 0 ]
ok "and holds no more than 1 MiB" [ "$kib" -le 1024 -a "$kib" -gt 0 ]
vmtool resume web
sleep 10
ok "one that was paused meanwhile is up" is_up true
is "$(tail -n "+$((was + 1))" "$events" | grep -c '"name":"agent_up"')" 0 "at no time"
freeze 5
ok "and so is who came to a forward meanwhile" serves 8080

freeze 1000
ok "it can be stopped" in_time 12 vmtool stop --timeout 4s web
is "$rc" 0 "with proof"
like "$err" "ended by SIGTERM to the vmm after * ms, disks not confirmed as synced (rung term)" \
	"by the first rung that needs nobody in there"
like "$(tail -n 1 "$VMTOOL_HOME/vms/web/events.jsonl")" '"event":"exit"*"rung":"term"' "which its end says too"

run start web -q --init /sbin/hears
freeze 1000
ok "one that hears its power button" in_time 12 vmtool stop --timeout 4s web
like "$err" "(rung button)" "goes by that"
vmtool rm -f web other
ok "nothing is left" nothing_left
done_testing
