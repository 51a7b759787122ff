# ready: nothing is ready before what was asked for holds; and what does not is told.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

ini() { mkdir -p "$VMTOOL_HOME/vms/$1" && cat >"$VMTOOL_HOME/vms/$1/vm.ini"; }
events() { cat "$VMTOOL_HOME/vms/$1/events.jsonl"; }
ready_file() { [ -e "$VMTOOL_HOME/vms/$1/ready" ]; }

# --- the table ---

run start web -q
is "$rc" 0 "a VM starts"
like "$(vmtool show web)" "conditions.boot_done * yes" "its boot is over, as it says"
like "$(vmtool show --json web)" '"name": "ssh_banner"' "what nobody asked for is told too"
ok "while it is ready there is a file that says so" ready_file web
vmtool stop -q web
ok "and then there is not" eval '! ready_file web'
like "$(vmtool show web)" "conditions.agent_up * no*conditions.boot_done * no" "what held while it ran does not hold any more"
vmtool rm web

# --- probes ---

ini web <<'END'
[probe late]
shell = test -e /tmp/late
interval = 200ms
retries = 2
[probe argv]
exec = /bin/busybox test -d /tmp
[probe page]
http = 80/
[probe outside]
http = 8080/
from = host
[probe port]
tcp = 80
[probe greets]
ssh-banner = 22
[probe socket]
unix = /tmp/socket
[forward]
publish = 8080:80
[provision]
script = sh echo hello >/tmp/index.html && httpd -p 127.0.0.1:80 -h /tmp
script = sh nc -ll -p 22 -e echo SSH-2.0-greets >/dev/null 2>&1 &
script = sh ln -s /proc/1/exe /tmp/vmtool && /tmp/vmtool guest-agent --listen unix:/tmp/socket >/dev/null 2>&1 &
script = sh sleep 1; touch /tmp/late
END
run start web --probe "nobody tcp=81 fatal=no start-period=300ms"
is "$rc" 0 "a start waits for its probes and its provision"
like "$err" "script script 1 * ended with 0" "says what became of each script"
like "$err" "degraded: probe:nobody: *refused" "and what it does without"
is "$out" web "stdout has the name alone"
like "$(events web)" '"event":"degraded"*"event":"ready"' "the events say so before ready"
is "$(vmtool show web | grep -c '^conditions.probe:[a-z]* *yes ')" 7 "a probe of each kind holds in a guest, and one from outside"
like "$(vmtool show --json web)" '"state": "done"' "and that a script is done"
vmtool exec web -- rm /tmp/late
within 20 eval '! ready_file web'
ok "a fatal probe that fails takes Ready back" eval '! ready_file web'
run vmtool exec web -- true
is "$rc" 0 "and the VM can be looked into all the same"
vmtool stop -q web

# --- what does not come ---

run start web -q --timeout 25s --probe "never shell=echo no such luck; false"
is "$rc" 124 "a start without proof ends at its deadline"
like "$err" "probe:never does not hold (* attempts, the last: its command ended with 1: no such luck)" \
	"and says what was tried, and what went wrong"
like "$err" "console's last lines" "with the console"
ok "nothing runs any more" nobody_runs

run start web -q --probe "never tcp=81 start-period=500ms" --timeout 60s
is "$rc" 1 "a probe that fails behind its start period ends the start"
like "$err" "probe:never does not hold, and its start period is over" "at once, and says so"

run start web -q --probe '' --script 'sh echo broken; exit 7' --require-provision
is "$rc" 1 "a start fails with a script, where that was asked for"
like "$err" "provision: script 1 ended with 7: broken" "and tells its code"
like "$(vmtool show --json web)" '"code": 7' "which is kept"
run start web -q --script '/no/such/script'
is "$rc" 1 "a script that is missing is no surprise later"
like "$err" "open /no/such/script" "it is told before anything runs"
vmtool rm web

# --- whoever connects from outside ---

# Nobody at first; then some who take a connection and say nothing; then one who greets.
late_server() {
	sleep 2
	for i in 1 2 3; do nc -l -p 2222 </dev/null >/dev/null; done
	touch /tmp/greets
	printf 'SSH-2.0-late\r\n' | nc -l -p 2222 >/dev/null
}
late_server &
run start sshd -q --banner 2222
is "$rc" 0 "a start waits for its SSH server"
ok "until that has greeted somebody in full" test -e /tmp/greets
like "$(vmtool show --json sshd)" "greeted as SSH-2.0-late" "and says who did"
vmtool stop -q sshd
run start sshd -q --banner 2223 --timeout 25s
is "$rc" 124 "a server that never answers is no server"
like "$err" "ssh_banner does not hold: no SSH server has answered (* attempts, the last: *refused" \
	"and that is told with the attempts"
(while :; do printf 'HTTP/1.1 400 Bad Request\r\n\r\n' | nc -l -p 2224 >/dev/null || break; done) &
talker=$!
run start sshd -q --banner 2224
is "$rc" 1 "what answers and is no SSH server ends the start at once"
like "$err" "ssh_banner cannot come to hold: *HTTP" "and is shown"
kill $talker
printf 'x' | nc 127.0.0.1 2224 >/dev/null 2>&1
vmtool rm sshd

# --- once ---

run start web -q --script 'once sh echo made' --script 'sh echo each'
is "$rc" 0 "scripts run"
is "$(cat "$VMTOOL_HOME/vms/web/provision.log")" "made
each" "in their order"
vmtool stop -q web
run start web -q
is "$(cat "$VMTOOL_HOME/vms/web/provision.log")" "each" "what was done once is not done again"
vmtool rm -f web

# --- told without asking ---

run sh -c 'vmtool start web -q --kernel /lab/vmlinux --initrd /lab/initrd --ready-fd 5 5>/tmp/told >/dev/null'
is "$(cat /tmp/told)" ready "a descriptor is told"
run vmtool start web2 -q --ready-fd 9
is "$rc" 2 "one that is not open is refused"
vmtool rm -f web

# --- without anything of ours in the guest ---

run start plain -q --plain
is "$rc" 2 "a plain VM that nothing could prove ready is not started"
like "$err" "nothing would prove" "and is told why"
run start plain -q --plain --hostname x --require vm_alive
is "$rc" 2 "what a plain guest cannot do is refused"
run start plain -q --plain --require vm_alive --append init=/nonexistent
is "$rc" 0 "a VM without proof is what was asked for"
like "$(vmtool show plain)" "conditions.agent_up * no" "and has no agent of ours"
vmtool rm -f plain
run start plain -q --plain --timeout 3s --require boot_done --append rdinit=/bin/sh
is "$rc" 124 "a plain guest that does not say it has booted has not"
vmtool rm -f plain
ok "nothing is left" nothing_left

done_testing
