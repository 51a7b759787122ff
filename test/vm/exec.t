# exec over vsock: codes, streams, arguments and signals are those of the command in the guest.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

run start web
is "$rc" 0 "a VM starts"
x() { run vmtool exec web -- "$@"; }

# --- how it ended ---

for code in 0 1 42 125 126 127 255; do
	x sh -c "exit $code"
	is "$rc" "$code" "exit code $code"
done
x sh -c 'kill -9 $$'
is "$rc" 137 "a signal is 128 and its number"
x no-such-command
is "$rc" 127 "a command that is not there"
like "$err" "no-such-command: no such command" "and its name"
x /etc/passwd
is "$rc" 126 "a file that is no program"
run vmtool exec --user nobody-such web -- true
is "$rc" 125 "a user that is not there"
like "$err" "nobody-such" "and its name"
run vmtool exec --workdir /no/such web -- true
is "$rc" 125 "a folder that is not there"
like "$err" "/no/such" "and its name"

# --- what it gets and gives ---

x sh -c 'echo out; echo err >&2'
is "$out/$err" "out/err" "streams stay apart"
x sh -c 'for a; do printf "[%s]" "$a"; done' sh 'two words' '' "it's" '"q"' 'a
b' '$HOME' -x
is "$out" "[two words][][it's][\"q\"][a
b][\$HOME][-x]" "arguments arrive as they are"
x sh -c 'echo $USER $HOME $VMTOOL_VM; id -u; pwd; hostname'
is "$out" "root /root web
0
/root
web" "root's environment, folder and the VM's name"
run vmtool exec --user guest web -- sh -c 'id -u; id -g; echo $USER'
is "$out" "1000
1000
guest" "another user"
is "$(vmtool exec -i web -- md5sum <"$(command -v vmtool)")" "$(md5sum <"$(command -v vmtool)")" \
	"binary input arrives whole"
is "$(vmtool exec web -- cat /init | md5sum)" "$(md5sum <"$(command -v vmtool)")" \
	"binary output too: /init is this very vmtool"
is "$(vmtool exec -i web -- cat </dev/null)" "" "an empty input ends"
is "$(vmtool exec web -- yes | head -n 2)" "y
y" "a reader that has enough ends the command"
is "$(vmtool exec web -- sh -c 'sleep 0.2; pidof yes')" "" "in the guest too"

# --- statuses under pressure ---

bad=0
for i in $(seq 100); do
	vmtool exec web -- false
	[ $? -eq 1 ] || bad=$((bad + 1))
done
is "$bad" 0 "100 instant ends, each with its status"
for i in $(seq 80); do
	(vmtool exec web -- sh -c "sleep 0.2; exit $i"; [ $? -eq "$i" ] || echo "$i") &
done >"$tap_dir/wrong"
wait
is "$(cat "$tap_dir/wrong")" "" "80 at once in 64 places, each with its own"
x sh -c 'i=0; while [ $i -lt 200 ]; do (sleep 0.1 &); i=$((i + 1)); done >/dev/null 2>&1; exit 33'
is "$rc" 33 "200 orphans disturb no status"
x sh -c 'sleep 1; for s in /proc/[0-9]*/stat; do read -r _ _ state _ <$s; [ "$state" != Z ] || echo zombie; done 2>/dev/null'
is "$out" "" "and are reaped"

# --- signals, disconnects ---

x sh -c 'sleep 60 & echo started'
is "$rc/$out" "0/started" "a process left behind does not hold the session"
x sh -c 'killall sleep'
vmtool exec web -- sh -c 'trap "echo got it; exit 9" TERM; echo up; while :; do sleep 0.05; done' >"$tap_dir/trap" &
within 10 grep -q up "$tap_dir/trap"
kill -TERM $!
wait $!
is "$?/$(tail -n 1 "$tap_dir/trap")" "9/got it" "a signal reaches the command"
vmtool exec web -- sh -c 'echo up; exec sleep 61' >"$tap_dir/gone" &
within 10 grep -q up "$tap_dir/gone"
kill -KILL $!
wait $! 2>/dev/null
within 5 vmtool exec web -- sh -c '! pidof sleep'
is "$?" 0 "a command whose host is gone is ended"

# --- the guest itself ---

x sh -c 'tr "\0" " " </proc/1/cmdline; ls /.vmtool-guest 2>/dev/null; cat /sys/class/net/lo/flags; grep -c cgroup2 /proc/mounts'
is "$out" "/init 0x9
1" "process 1 is vmtool, its description is gone, lo is up, cgroup2 is there"
# The end of its own input first: until that has come, the pipe it goes through is open.
x sh -c 'cat; ls /proc/1/fd | wc -l; grep RssAnon /proc/1/status | tr -dc 0-9' </dev/null
is "$(echo "$out" | head -n 1)" 16 "it keeps no descriptor of past sessions"
ok "and less than 1 MiB of its own" [ "$(echo "$out" | tail -n 1)" -lt 1024 ]
is "$(vmtool exec web -- sed -n 's/^Threads:[^0-9]*//p' /proc/1/status)" 1 "and one thread: what forks is never in the middle of something else (D14)"
x sh -c 'kill -9 1; kill -SEGV 1; kill -HUP 1; kill -QUIT 1; echo alive'
is "$rc/$out" "0/alive" "nothing in the guest can kill it"
run vmtool exec web -- sh -c 'poweroff; sleep 20'
is "$rc" 143 "a command that powers off hears how it ended"
ok "and the VM stops" within 10 state_is web stopped

done_testing
