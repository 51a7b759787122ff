# init: the guest becomes what its description says; what fails is reported and hides nobody.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

start() { vmtool start --timeout 30s --kernel /lab/vmlinux --initrd /lab/initrd "$@"; }
guest() { vmtool exec web -- "$@"; }
events() { cat "$VMTOOL_HOME/vms/web/events.jsonl"; }
console() { cat "$VMTOOL_HOME/vms/web/console.log"; }
# A stage's last word, as in events.jsonl: state and detail.
stage() { events | grep "\"stage\":\"$1\"" | tail -n 1 | sed 's/.*"state":"\([a-z]*\)"\(.*"detail":"\([^"]*\)"\)\{0,1\}.*/\1 \3/'; }
is_gone() { ! vmtool ls | grep -q "^web .* running "; }

# --- the main process ---

run start web -q -e 'A=x  y;z' -w /tmp -u guest -- sh -c '
	printf "<%s>" "$A" "$PWD" "$(id -un)" "$#" "$@"; echo
	sleep 1 # longer than init leaves the console alone for
	exit 42' sh '' 'a b' "q'\"" ' ;c '
is "$rc/$out" 0/web "a VM with a main process starts"
diag "$err"
ok "and ends with it" within 10 is_gone
like "$(vmtool ls --json)" '"status": 42' "ls knows its status"
like "$(events | tail -n 1)" '"reason":"main_exited","status":42' "and so does the last event"
like "$(console)" "<x  y;z></tmp><guest><4><><a b><q'\">< ;c >" \
	"argument, environment, folder and user are exactly those asked for"
like "$(console)" "vmtool: main " "the console has the stage"
run vmtool start web -q
is "$rc" 0 "vm.ini keeps it"
ok "for the next start" within 10 is_gone
like "$(console)" "<x  y;z></tmp><guest><4><><a b><q'\">< ;c >" "byte for byte"
vmtool rm web

start web -q -- sh -c 'echo hello; mkfifo /tmp/go; read -r code </tmp/go; echo bye; exit "$code"' >/dev/null
vmtool attach web >"$tap_dir/attached" &
attached=$!
ok "whoever attaches to the main process gets what it said" within 10 grep -q hello "$tap_dir/attached"
guest sh -c 'echo 9 >/tmp/go'
wait $attached
is "$?" 9 "and its status"
is "$(tr '\n' ' ' <"$tap_dir/attached")" "hello bye " "and all it says then"
ok "with which the VM ends" within 10 is_gone
like "$(events | tail -n 1)" '"reason":"main_exited","status":9' "as for everybody else"
vmtool rm web

run start web -q -- sh -c 'kill -9 $$'
ok "a main process that a signal ends" within 10 is_gone
like "$(events | tail -n 1)" '"status":137' "is 128 + the signal"
vmtool rm web

run start web -q -- /nonexistent
is "$rc" 0 "a main process that is not there"
like "$(stage main)" "failed */nonexistent" "is a stage that failed"
run guest true
is "$rc" 0 "in a guest that can be reached"
vmtool rm -f web

# --- kernel and network ---

run start web -q --hostname db.example --sysctl kernel.msgmax=4321 --sysctl net.ipv4.ip_forward=1
is "$(guest cat /proc/sys/kernel/hostname /proc/sys/kernel/msgmax /proc/sys/net/ipv4/ip_forward | xargs)" \
	"db.example 4321 1" "host name and sysctls are as described"
vmtool rm -f web

run start web -q --append 'vmtool.wait=300ms vmtool.verbose' --sysctl kernel.nosuch=1 --sysctl kernel.msgmax=4321 \
	--net 'eth0 address=10.0.0.2/24 gateway=10.0.0.1' --dns 10.0.0.1 --search a.example \
	--mount '/nonexistent /srv bind' --mount 'tmpfs /scratch\040disk tmpfs size=1M,mode=0700'
is "$rc" 0 "a guest of which much fails is ready all the same"
like "$(stage sysctls)" "failed kernel.nosuch: No such file" "a sysctl that is none is reported"
like "$(stage network)" "failed no interface eth0 after 300 ms: there is *lo" \
	"an interface that is not there likewise, with those that are (D15)"
like "$(stage filesystems)" "failed /srv: its source /nonexistent: No such" "and a mount"
like "$(console)" "stage network failed: no interface eth0" "the console says so too"
marks() { console | tr -d '\r' | sed -n 's/^.*vmtool: \(stage \)\{0,1\}\([a-z.]*\).*/\2/p' | xargs; }
has_all_marks() { case $(marks) in *" ready") ;; *) false ;; esac; }
ok "the last mark comes" within 10 has_all_marks
is "$(marks)" "description hostname exec pty agent stream beacon sysctls loopback network devices resolv.conf filesystems ready" \
	"and vmtool.verbose each stage once, when it is over"
is "$(guest cat /proc/sys/kernel/msgmax)" 4321 "what stands behind it is done"
is "$(guest cat /etc/resolv.conf | xargs)" "nameserver 10.0.0.1 search a.example" "resolv.conf is there"
like "$(guest mount)" "tmpfs on /scratch disk type tmpfs (rw,*size=1024k,mode=700" "and so is the other mount"
vmtool rm -f web

run start web -q --append vmtool.wait=soon
is "$rc" 0 "a word of the kernel's command line that says nothing stops nobody"
like "$(console)" "vmtool: vmtool.wait: 'soon' is not a time" "and is complained of"

# --- out of memory ---

run guest sh -c 'tail /dev/zero; exit 6'
is "$rc" 6 "a command whose child eats all memory has its own code"
like "$err" "the guest ran out of memory" "and it is told why the child is gone"
run guest tail /dev/zero
is "$rc" 137 "a command that eats it is killed"
like "$err" "the guest ran out of memory" "which is told"
run guest sh -c 'kill -9 $$'
is "$rc/${err##*out of memory*}" "137/$err" "a kill that is none of the kernel's is not blamed on it"
vmtool rm -f web

# --- who is killed ---

start web -q
guest sh -c 'for i in $(seq 40); do sleep 100 & done; sleep 0.2
	for round in $(seq 20); do
		for p in /proc/[0-9]*; do p=${p#/proc/}; [ "$p" = 1 ] || [ "$p" = $$ ] || kill -9 "$p"; done
		sh -c "exit 3" & sleep 0.02
	done' 2>/dev/null
run guest sh -c 'exit 9'
is "$rc" 9 "kill -9 of everything but process 1 kills no VM"
vmtool rm -f web

done_testing
