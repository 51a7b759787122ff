# streams over vsock: what listens in the guest is reached from the host, and each end passes as it is.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

run start web
is "$rc" 0 "a VM starts"
[ "$rc" = 0 ] || tap_note err "$err"

# serve PORT ARG...: busybox nc in the guest, listening when this returns.
serve() {
	serve_port=$1
	shift
	vmtool exec web -- nc -l -p "$serve_port" "$@" </dev/null >"$tap_dir/nc" 2>&1 &
	nc=$!
	within 20 vmtool exec web -- sh -c "netstat -ltn | grep -q ':$serve_port '" ||
		tap_note nc "$(cat "$tap_dir/nc")"
}

fds() { vmtool exec web -- sh -c 'ls /proc/1/fd | wc -l'; }
before=$(fds)

run vmtool ssh-proxy web:1 </dev/null
is "$rc" 1 "a port where nobody listens is refused"
like "$err" "web: *:1: Connection refused" "and said to be"

vmtool exec web -- sh -c 'mkdir /www && echo hello from the guest >/www/index.html && httpd -p 127.0.0.1:80 -h /www'
run vmtool ssh-proxy web.vm:80 <<END
GET /index.html HTTP/1.0

END
like "$out" "hello from the guest" "a web server that listens on 127.0.0.1 only"
vmtool exec web -- sh -c 'killall httpd; httpd -p "[::1]:80" -h /www'
run sh -c 'printf "GET /index.html HTTP/1.0\r\n\r\n" | vmtool ssh-proxy web --port 80'
like "$out" "hello from the guest" "and one that listens on ::1 only"

# The host's half ends first: what the guest answers to that end arrives.
serve 7000 -e sh -c 'md5sum; echo after the end'
head -c 20000000 /dev/urandom >"$tap_dir/random"
run vmtool ssh-proxy web:7000 <"$tap_dir/random"
is "$rc/$out" "0/$(md5sum <"$tap_dir/random")
after the end" "20 MB to the guest, and its answer after their end"

# The guest's half ends first: what the host says then arrives.
serve 7001 -e sh -c 'cat /init; exec >/dev/null 2>&1; cat >/tmp/heard; echo . >>/tmp/heard'
mkfifo "$tap_dir/say"
vmtool ssh-proxy web:7001 <"$tap_dir/say" >"$tap_dir/init" &
proxy=$!
exec 4>"$tap_dir/say"
ok "the guest's bytes arrive while it listens on" within 30 cmp "$tap_dir/init" "$(command -v vmtool)"
echo still here >&4
exec 4>&-
wait "$proxy"
is "$?" 0 "both ways end for themselves"
is "$(vmtool exec web -- cat /tmp/heard)" "still here
." "and nothing said after the guest's end is lost"

# The host's client dies: a server that only waits must not wait for ever.
serve 7002 -e sh -c 'echo up; cat >/dev/null; exec sleep 1000'
mkfifo "$tap_dir/hold"
vmtool ssh-proxy web:7002 <"$tap_dir/hold" >"$tap_dir/up" &
proxy=$!
exec 4>"$tap_dir/hold"
within 20 grep -q up "$tap_dir/up"
kill -9 "$proxy"
wait "$proxy" 2>/dev/null
exec 4>&-
# Its sleep keeps the other end of it open: only the guest's stream server can have let go.
ok "a client that is killed leaves no stream in the guest" \
	within 20 vmtool exec web -- sh -c '! netstat -tn | grep ":7002 "'
vmtool exec web -- killall sleep

# The server dies with bytes unread, which resets the connection.
serve 7003 -e sh -c 'echo up; sleep 1000'
mkfifo "$tap_dir/on"
vmtool ssh-proxy web:7003 <"$tap_dir/on" >"$tap_dir/up" 2>"$tap_dir/why" &
proxy=$!
exec 4>"$tap_dir/on"
within 20 grep -q up "$tap_dir/up"
echo unread >&4
within 20 vmtool exec web -- sh -c 'netstat -tn | grep -q "^tcp *7 .*:7003 "'
vmtool exec web -- killall -9 sleep
wait "$proxy"
is "$?" 1 "a reset in the guest is a failure on the host"
like "$(cat "$tap_dir/why")" "the connection was reset" "and said to be one"
exec 4>&-

# Many at once, and one that reads nothing beside them.
vmtool exec web -- sh -c 'mkdir -p /www/cgi-bin; head -c 3000000 /dev/zero >/www/big'
mkfifo "$tap_dir/unread"
exec 5<>"$tap_dir/unread"
(printf 'GET /big HTTP/1.0\r\n\r\n'; sleep 1000) | vmtool ssh-proxy web:80 >"$tap_dir/unread" &
for i in $(seq 40); do
	(printf 'GET /index.html HTTP/1.0\r\n\r\n' | vmtool ssh-proxy web:80 2>&1 | grep -q 'hello from' || echo "$i") &
	many="$many $!"
done >"$tap_dir/wrong"
# shellcheck disable=SC2086
wait $many
is "$(cat "$tap_dir/wrong")" "" "forty beside one that does not read, each answered"
killall sleep

ok "streams leave no descriptor" within 20 sh -c "[ \$(vmtool exec web -- sh -c 'ls /proc/1/fd | wc -l') -eq $before ]"
ok "and process 1 less than 1 MiB of its own" \
	[ "$(vmtool exec web -- sh -c 'grep RssAnon /proc/1/status | tr -dc 0-9')" -lt 1024 ]

vmtool stop web >/dev/null 2>&1
done_testing
