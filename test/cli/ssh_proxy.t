# ssh-proxy: a port of a guest on stdin and stdout; the guest is this machine's guest-agent.
. test/lib.sh
vmtool=$PWD/out/vmtool
export VMTOOL_HOME=$tap_dir/home
unset XDG_RUNTIME_DIR
guest=unix:$tap_dir/guest

"$vmtool" guest-agent --listen "$guest" 2>"$tap_dir/agent.log" &
agent=$!
within 20 listens "$tap_dir/guest"

# serve SCRIPT: one connection to 127.0.0.1:$port, handled by perl with $c; sets $port and $served.
serve() {
	mkfifo "$tap_dir/port"
	perl -MIO::Socket::INET -MSocket -e '
		my $l = IO::Socket::INET->new(Listen => 5, LocalAddr => "127.0.0.1") or die;
		open my $to, ">", shift; print $to $l->sockport, "\n"; close $to;
		alarm 30;
		my $c = $l->accept; $c->autoflush(1); '"$1" "$tap_dir/port" >"$tap_dir/served" &
	served=$!
	read -r port <"$tap_dir/port"
	rm "$tap_dir/port"
}

says() {
	local want_rc=$1 want=$2
	shift 2
	run "$vmtool" ssh-proxy "$@" </dev/null
	is "$rc" "$want_rc" "ssh-proxy $*: exit code $want_rc"
	like "$err" "$want" "ssh-proxy $*: $want"
}

says 2 "NAME is missing"
says 2 "one word too many" web 22
says 2 "PORT: '0'" web:0
says 2 "PORT: 'x'" web:x
says 2 "--port: '65536'" web --port 65536
says 2 "--timeout: 'soon'" web --timeout soon
says 2 "from 1ms to 10m" web --timeout 1h
says 2 "'Web' is not a VM name" Web
says 1 "web: there is no VM of this name" web
says 1 "web: there is no VM of this name" web.vm:22
says 1 "no running VM behind /no/such" unix:/no/such
says 1 "Connection refused" "$guest" --port 1

serve 'my $n = 0; while (sysread $c, my $b, 65536) { $n += length $b } print $c "got $n\n";'
run "$vmtool" ssh-proxy "$guest" --port "$port" < <(head -c 3000000 /dev/zero)
is "$rc/$out" "0/got 3000000" "the guest's answer to the end of our input arrives"

serve 'print $c "SSH-2.0-x\r\n"; shutdown $c, 1; while (<$c>) { print } '
run "$vmtool" ssh-proxy "$guest" --port "$port" < <(sleep 0.3; echo still here)
is "$rc/$out" "0/SSH-2.0-x"$'\r' "a greeting"
wait "$served"
is "$(cat "$tap_dir/served")" "still here" "and what we say after the guest has ended its half"

head -c 5000000 /dev/urandom >"$tap_dir/random"
serve 'while (sysread $c, my $b, 65536) { print $c $b }'
"$vmtool" ssh-proxy "$guest" --port "$port" <"$tap_dir/random" >"$tap_dir/back"
ok "a file there and back through an echo is the same file" cmp "$tap_dir/random" "$tap_dir/back"

serve 'print $c "x"; setsockopt $c, SOL_SOCKET, SO_LINGER, pack "ii", 1, 0; sysread $c, my $b, 1; close $c;'
run "$vmtool" ssh-proxy "$guest" --port "$port" < <(echo; sleep 2)
is "$rc/$out" "1/x" "a reset is a failure"
like "$err" "the connection was reset" "and said to be one"

serve 'while (print $c "y\n") { } '
is "$("$vmtool" ssh-proxy "$guest" --port "$port" < <(sleep 5) | head -n 2 | tr -d '\n')" yy "a reader that has had enough ends it"

serve 'print $c "passed on\n"; print "$_" while <$c>;'
run perl -MSocket -e '
	socketpair my $ours, my $theirs, AF_UNIX, SOCK_STREAM, 0 or die;
	my $pid = fork; if (!$pid) { open STDOUT, ">&", $theirs; exec @ARGV } close $theirs; waitpid $pid, 0;
	exit($? >> 8 || 100) if $?; sysread($ours, my $byte, 1) == 1 or exit 101; print "passed\n";
' "$vmtool" ssh-proxy --fdpass "$guest" --port "$port"
is "$rc/$out" "0/passed" "--fdpass hands over on a socket"
serve '1;'
run "$vmtool" ssh-proxy --fdpass "$guest" --port "$port" </dev/null
is "$rc" 2 "and on nothing else"
like "$err" "ProxyUseFdpass" "which it says"

kill "$agent"
wait "$agent"
is "$?" 0 "the guest's agent had nothing to complain about"
done_testing
