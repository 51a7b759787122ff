# services: what [service NAME] of vm.ini asks for runs beside the main process, and is started again.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

start() { vmtool start --timeout 30s --kernel /lab/vmlinux --initrd /lab/initrd "$@"; }
guest() { vmtool exec web -- "$@"; }
stage() { grep "\"stage\":\"$1\"" "$VMTOOL_HOME/vms/web/events.jsonl" | tail -n 1; }
# "running 2": state, and how often it was started.
service() {
	vmtool show --json web | tr -d '\n' | sed 's/.*"services": \[\([^]]*\)\].*/\1/' | tr '{' '\n' |
		sed -n "s/.*\"name\": \"$1\".*\"state\": \"\([a-z]*\)\".*\"starts\": \([0-9]*\).*/\1 \2/p"
}
pid_of() {
	vmtool show --json web | tr -d '\n' | sed 's/.*"services": \[\([^]]*\)\].*/\1/' | tr '{' '\n' |
		sed -n "s/.*\"name\": \"$1\".*\"pid\": \([0-9]*\).*/\1/p"
}
service_is() { [ "$(service "$1")" = "$2" ]; }

cat >/tmp/services.ini <<'END'
[service db]
shell = echo up; trap "exit 0" TERM; while :; do sleep 0.1; done
restart = always
user = guest
[service once]
exec = false
restart = no
[service none]
exec = /no/such/file
END
run start web -q --config /tmp/services.ini
is "$rc" 0 "a guest with services starts"
diag "$err"
like "$(stage services)" '"state":"failed","detail":"service none: /no/such/file: No such file' \
	"one that is not there is a stage that failed"
ok "the other runs" within 10 service_is db "running 1"
is "$(guest stat -c %U "/proc/$(pid_of db)")" guest "as its user"
ok "one that may fail has failed, once" within 10 service_is once "ended 1"
run timeout 2 vmtool attach web service-db
like "$out" "up" "what it says can be attached to"
guest kill -9 "$(pid_of db)"
ok "one that is killed is started again" within 10 service_is db "running 2"
like "$(cat "$VMTOOL_HOME/vms/web/console.log")" "service db ended with 137; again in 200 ms" "which the console tells"
run guest true
is "$rc" 0 "the guest is of use all the time"
run vmtool stop web
like "$rc $err" "0 *disks synced (rung guest)" "and stops in order"
is "$(grep -c "service db ended with 0; again" "$VMTOOL_HOME/vms/web/console.log")" 0 "without another start"
vmtool rm web

run start web -q --config /tmp/services.ini -- sh -c 'sleep 1; exit 6'
run vmtool wait web
is "$out" 6 "the main process's end is the VM's, whatever services there are"
vmtool rm web
is "$(left)/$(processes)" "/" "nothing is left"
done_testing
