# vmtool guest-agent: as a service of somebody else's init.
. test/lib.sh

run out/vmtool guest-agent --print-unit
is "$rc" 0 "it prints its unit"
ok "which is the one that is shipped" cmp -s "$tap_dir/out" share/vmtool-guest-agent.service
like "$out" "Type=notify" "and waits for its word"

# A service manager of one line: it waits for a datagram and shows it.
perl -MIO::Socket::UNIX -e '
	my $s = IO::Socket::UNIX->new(Type => SOCK_DGRAM, Local => $ARGV[0]) or die $!;
	for (1, 2) { alarm 10; $s->recv(my $m, 100); open my $f, ">>", $ARGV[1]; print $f "$m\n" }' \
	"$tap_dir/manager" "$tap_dir/notes" &
manager=$!
until [ -S "$tap_dir/manager" ]; do sleep 0.01; done
NOTIFY_SOCKET=$tap_dir/manager out/vmtool guest-agent --listen "unix:$tap_dir/agent" 2>"$tap_dir/log" &
agent=$!
until [ -s "$tap_dir/notes" ] || ! kill -0 $agent; do sleep 0.01; done
is "$(cat "$tap_dir/notes")" "READY=1" "it tells its manager that it serves"
run out/vmtool exec "unix:$tap_dir/agent" -- sh -c 'echo "$NOTIFY_SOCKET"; exit 9'
is "$rc/$out" "9/" "and then it does; commands are not its manager's"
kill -TERM $agent
rc=0
wait $agent || rc=$?
is "$rc" 0 "TERM ends it"
wait $manager
is "$(sed -n 2p "$tap_dir/notes")" "STOPPING=1" "of which its manager is told too"
ok "and takes its socket away" test ! -e "$tap_dir/agent"

NOTIFY_SOCKET=/nonexistent timeout 10 out/vmtool guest-agent --listen "unix:$tap_dir/agent" 2>/dev/null &
agent=$!
within 20 listens "$tap_dir/agent"
run out/vmtool exec "unix:$tap_dir/agent" -- true
is "$rc" 0 "a manager that cannot be told is no reason not to serve"
kill $agent
wait

done_testing
