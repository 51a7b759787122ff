# sessions: slices of the long runs over vsock; hostile bytes on every port of the guest.
# with: test/vm/host.sh test/soak/bulk.sh test/soak/sessions.sh test/soak/shots.sh out/tools/peer
. /lab/in/lib.sh
. /lab/in/host.sh

run sh /lab/in/bulk.sh 4 7
is "$rc" 0 "4 MiB through stdin and stdout, a raw terminal and cp are the same bytes"
diag "$out"
run sh /lab/in/sessions.sh 12 7
is "$rc" 0 "twelve commands end in all ways, each with its code, and leave nothing"
diag "$out"
run sh /lab/in/shots.sh 6 7
is "$rc" 0 "what process 1 has started is shot, and whoever waited hears of it"
diag "$out"

# --- peers that misbehave ---

start web -q
chmod +x /lab/in/peer
sock=$VMTOOL_HOME/run/web/vsock.sock
fds() { vmtool exec web -- sh -c 'ls /proc/1/fd | wc -l'; }
before=$(fds)
# It may be cut off in the middle of what it says; but it may not wait for an answer for ever.
for port in 4088 4089 4090 4093; do
	for what in 10ffffffff 7f00000000 1200000001 10000000 474554202f20485454502f312e310d0a noise; do
		bytes=$what
		[ $what != noise ] || bytes=$(head -c 200 /dev/urandom | hexdump -v -e '1/1 "%02x"')
		run timeout 10 /lab/in/peer hex "mux:$sock:$port" "$bytes"
		ok "port $port has an end to $what" [ "$rc" != 124 ]
		[ "$rc" != 124 ] || diag "$bytes"
	done
done
run vmtool exec web -- sh -c 'exit 6'
is "$rc" 6 "it serves on"
ok "and keeps no descriptor" within 10 sh -c "[ \$(vmtool exec web -- sh -c 'ls /proc/1/fd | wc -l') -le $before ]"
vmtool rm -f web

done_testing
