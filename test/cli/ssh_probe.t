# ssh-probe: what each kind of answer is called, on its way from a socket to the exit code.
. test/lib.sh
vmtool=$PWD/out/vmtool
servers=()
trap '{ kill "${servers[@]}"; wait; } 2>/dev/null; rm -rf "$tap_dir"' EXIT

# serve HOST PERL: a server at 127.0.0.1 or ::1 whose connections come one by one as $c, $n being how
# many came before; sets $port.
serve() {
	rm -f "$tap_dir/port"
	mkfifo "$tap_dir/port"
	perl -MIO::Socket::IP -MSocket -MTime::HiRes=sleep,time -e '
		my ($host, $to) = @ARGV;
		my $l = IO::Socket::IP->new(Listen => 64, LocalHost => $host, LocalPort => 0,
			Type => SOCK_STREAM) or die "$@";
		my $began = time;
		$SIG{PIPE} = "IGNORE";
		# What a client has said is read, and then its end: closing is no reset.
		sub ends { my $c = shift; shutdown $c, 1; 1 while sysread $c, my $x, 512 }
		open my $out, ">", $to; print $out $l->sockport, "\n"; close $out;
		for (my $n = 0; my $c = $l->accept; $n++) { '"$2"' }' "$1" "$tap_dir/port" &
	servers+=($!)
	read -r port <"$tap_dir/port"
}

# answers CODE CLASS PERL NAME [OPTION...]
answers() {
	local code=$1 class=$2 perl=$3 name=$4
	shift 4
	serve 127.0.0.1 "$perl"
	run "$vmtool" ssh-probe --json "$@" "127.0.0.1:$port"
	is "$rc" "$code" "$name: exit code $code"
	like "$out" "\"class\": \"$class\"" "$name: $class"
}

says() {
	local want=$1
	shift
	run "$vmtool" ssh-probe "$@"
	is "$rc" 2 "ssh-probe $*: exit code 2"
	like "$err" "$want" "ssh-probe $*: $want"
}

says "HOST is missing"
says "--timeout: 'soon'" --timeout soon web
says "--interval: a time above 0" --interval 0 web
says "'web:0': PORT" web:0
says "write vsock:CID:PORT" vsock:3
says "write vsock-mux:PATH:PORT" vsock-mux:/run/x
says "the path of a socket is missing" unix:

answers 0 ok 'syswrite $c, "SSH-2.0-test\r\n"; ends($c)' "an identification"
like "$out" '"banner": "SSH-2.0-test"' "it is told"
like "$out" '"attempts": 1' "after one attempt"
answers 0 ok 'syswrite $c, "SSH-1.99-test\n"; ends($c)' "1.99 and a bare LF"
answers 0 ok 'for (split //, "hi\r\nthere\r\nSSH-2.0-test\r\n") { syswrite $c, $_; sleep .002 } ends($c)' \
	"single bytes behind two lines"
answers 0 ok 'syswrite $c, "SSH-2.0-" . "x" x 245 . "\r\n"; ends($c)' "255 characters"
answers 3 not_ssh 'syswrite $c, "SSH-2.0-" . "x" x 246 . "\r\n"; ends($c)' "256 characters"
answers 3 not_ssh 'syswrite $c, "SSH-2.0-a\0b\r\n"; ends($c)' "a NUL"
answers 3 not_ssh 'syswrite $c, "\x15\x03\x01\0\2\2F"; ends($c)' "TLS"
answers 3 not_ssh 'syswrite $c, "HTTP/1.1 400 Bad Request\r\n\r\n"; ends($c)' "HTTP"
like "$err" "127.0.0.1:$port: not_ssh: an HTTP answer: 'HTTP/1.1 400 Bad Request'" "and the sentence shows what it said"
answers 3 not_ssh 'syswrite $c, "x" x 100 . "\n" for 1 .. 100; ends($c)' "10 KB of other lines"
answers 4 unsupported_version 'syswrite $c, "SSH-2.1-test\r\n"; ends($c)' "2.1"
answers 4 unsupported_version 'syswrite $c, "SSH-1.5-test\r\n"; ends($c)' "1.5"
answers 1 closed 'ends($c)' "accepted and closed"
answers 1 closed 'syswrite $c, "Exceeded MaxStartups\r\n"; ends($c)' "closed behind a sentence"
answers 1 reset 'setsockopt $c, SOL_SOCKET, SO_LINGER, pack "ii", 1, 0' "a reset"
answers 124 timeout 'sleep 100' "silence" --read-timeout 100ms
answers 124 timeout 'sleep 100' "silence until the deadline" --timeout 100ms
answers 124 timeout 'sysread $c, my $x, 99; while (1) { syswrite $c, "x"; sleep .05 }' \
	"a byte now and then is no answer" --read-timeout 300ms
run "$vmtool" ssh-probe --json "127.0.0.1:1"
is "$rc" 1 "nobody listens: exit code 1"
like "$out" '"class": "refused"' "nobody listens: refused"

# Over unix sockets, where the first word can meet a closed connection.
mux() { # PERL: an answer to CONNECT
	perl -MIO::Socket::UNIX -e '
		my $l = IO::Socket::UNIX->new(Listen => 8, Local => shift) or die;
		$SIG{PIPE} = "IGNORE";
		while (my $c = $l->accept) { my $line = <$c>; '"$1"' }' "$tap_dir/mux" &
	servers+=($!)
	within 20 listens "$tap_dir/mux"
}
mkfifo "$tap_dir/never"
mux 'shutdown $c, 0 if $line =~ / 23$/; syswrite $c, "OK 7\n"; syswrite $c, "SSH-2.0-mux\r\n" if $line =~ / 22$/; 1 while sysread $c, my $x, 99'
run "$vmtool" ssh-probe --json "vsock-mux:$tap_dir/mux:22"
is "$rc" 0 "through a socket that takes CONNECT"
like "$out" '"banner": "SSH-2.0-mux"' "and its guest's server is meant"
run "$vmtool" ssh-probe --json "vsock-mux:$tap_dir/mux:23"
is "$rc" 1 "a broken pipe: exit code 1"
like "$out" '"class": "epipe"' "a broken pipe: epipe"
run "$vmtool" ssh-probe --json "unix:$tap_dir/nobody"
like "$rc $out" '1 *"class": "refused"' "no socket there: refused"

# D1: a port that accepts and closes for 3 s is not ready before it is.
serve 127.0.0.1 'syswrite $c, "SSH-2.0-late\r\n" if time - $began > 3; ends($c)'
began=${EPOCHREALTIME/./}
run "$vmtool" ssh-probe --wait --timeout 30s --json "127.0.0.1:$port"
took=$(((${EPOCHREALTIME/./} - began) / 1000))
is "$rc" 0 "accepted and closed for 3 s: waited for"
like "$out" '"banner": "SSH-2.0-late"' "until the identification is there"
ok "not before ($took ms)" [ $took -ge 2900 ]
ok "and not long after ($took ms)" [ $took -lt 5000 ]

serve 127.0.0.1 'ends($c)'
run "$vmtool" ssh-probe --wait --timeout 500ms "127.0.0.1:$port"
is "$rc" 1 "when the time is up the last answer counts"
like "$err" "closed: it closed the connection without an identification (" "and is told with the attempts"
serve 127.0.0.1 'syswrite $c, "SSH-3.0-test\n"; ends($c)'
run timeout 20 "$vmtool" ssh-probe --wait "127.0.0.1:$port"
is "$rc" 4 "what will not change is not waited for"

# Names and addresses.
if [ -e /proc/net/if_inet6 ] && grep -q ' lo$' /proc/net/if_inet6; then
	serve ::1 'syswrite $c, "SSH-2.0-six\r\n"; ends($c)'
	run "$vmtool" ssh-probe "[::1]:$port"
	is "$rc/$out" "0/[::1]:$port: SSH-2.0-six (${out##*(}" "IPv6 only, by its address"
	if grep -q '^::1.*\blocalhost\b' /etc/hosts; then
		run "$vmtool" ssh-probe --json "localhost:$port"
		is "$rc" 0 "IPv6 only, by a name that has IPv4 as well"
	else
		skip "/etc/hosts has no localhost of IPv6" "IPv6 only, by a name that has IPv4 as well"
	fi
else
	skip "this machine has no IPv6" "IPv6 only, by its address"
fi
run "$vmtool" ssh-probe --timeout 20s nobody.invalid
is "$rc" 1 "a name that nobody has"

# Several.
serve 127.0.0.1 'syswrite $c, "SSH-2.0-a\r\n"; ends($c)'
good=127.0.0.1:$port
run "$vmtool" ssh-probe "$good" 127.0.0.1:1
is "$rc" 1 "all must answer"
like "$out" "$good: SSH-2.0-a" "those that do are told"
run "$vmtool" ssh-probe --any "$good" 127.0.0.1:1
is "$rc" 0 "--any: one is enough"
run timeout 20 "$vmtool" ssh-probe --wait --any 127.0.0.1:1 "$good"
is "$rc" 0 "--wait --any: and the other is no longer waited for"
run "$vmtool" ssh-probe --json "$good" "$good"
is "$(printf %s "$out" | grep -c '"class": "ok"')$(printf %.1s "$out")" "2[" "--json of several is a list"
run "$vmtool" ssh-probe -q 127.0.0.1:1
is "$rc/$out$err" "1/" "-q: only the exit code"

ln -s "$vmtool" "$tap_dir/vmready-probe"
run "$tap_dir/vmready-probe" "$good"
is "$rc" 0 "called vmready-probe"

# A signal ends a wait at once.
for signal in INT TERM; do
	"$vmtool" ssh-probe --wait --timeout 1h 127.0.0.1:1 2>/dev/null &
	probe=$!
	# From then on its loop has the signals; before, bash would have them ignored.
	until grep -q '^SigBlk:.*[1-9a-f]' "/proc/$probe/status"; do
		read -r -t 0.01 <>"$tap_dir/never" || true
	done
	began=${EPOCHREALTIME/./}
	kill -$signal $probe
	rc=0
	wait $probe || rc=$?
	took=$(((${EPOCHREALTIME/./} - began) / 1000))
	is "$rc" $((128 + $(kill -l $signal))) "SIG$signal ends it"
	ok "and not an hour later ($took ms)" [ $took -lt 5000 ]
done

# Real servers, which must have nothing to complain of.
have=$PWD/out/servers
ssh-keygen -q -t ed25519 -N '' -f "$tap_dir/host"
free_port() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'; }
port=$(free_port)
printf '%s\n' "ListenAddress 127.0.0.1" "Port $port" "HostKey $tap_dir/host" "PidFile none" "LogLevel VERBOSE" \
	"UsePAM no" >"$tap_dir/sshd_config"
if [ "$(id -u)" = 0 ]; then
	mkdir -p /run/sshd
	grep -q ^sshd: /etc/passwd || useradd -r -M -d /run/sshd -s /usr/sbin/nologin sshd
fi
"$have/sshd" -D -e -f "$tap_dir/sshd_config" 2>"$tap_dir/sshd.log" &
servers+=($!)
run "$vmtool" ssh-probe --wait --timeout 20s "127.0.0.1:$port"
is "$rc" 0 "Debian's sshd"
like "$out" "SSH-2.0-OpenSSH_" "says who it is"
for i in 1 2 3 4 5; do "$vmtool" ssh-probe -q "127.0.0.1:$port" || fail "sshd: probe $i"; done
logged() { [ "$(grep -c 'Connection closed by 127.0.0.1 port [0-9]* \[preauth\]' "$1")" -ge 6 ]; }
for ((i = 0; i < 500; i++)); do
	! logged "$tap_dir/sshd.log" || break
	read -r -t 0.01 <>"$tap_dir/never" || true
done
ok "sshd saw clients that left" logged "$tap_dir/sshd.log"
run grep -iE 'kex_exchange_identification|banner exchange|reset|bad|error|fatal|invalid|penalty' "$tap_dir/sshd.log"
is "$out" "" "and complains of nothing"

port=$(free_port)
"$have/dropbearkey" -t ecdsa -f "$tap_dir/dropbear_key" >/dev/null 2>&1
"$have/dropbear" -F -E -r "$tap_dir/dropbear_key" -p "127.0.0.1:$port" -P "$tap_dir/dropbear.pid" 2>"$tap_dir/dropbear.log" &
servers+=($!)
run "$vmtool" ssh-probe --wait --timeout 20s "127.0.0.1:$port"
is "$rc" 0 "dropbear"
like "$out" "SSH-2.0-dropbear" "says who it is"
for ((i = 0; i < 500; i++)); do
	! grep -q 'Exit before auth' "$tap_dir/dropbear.log" || break
	read -r -t 0.01 <>"$tap_dir/never" || true
done
like "$(cat "$tap_dir/dropbear.log")" "Exit before auth" "dropbear saw a client that left"
run grep -iE 'string too long|bad|error|timeout|reset' "$tap_dir/dropbear.log"
is "$out" "" "and complains of nothing"
done_testing
