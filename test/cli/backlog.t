# D3: probes that were given up while nobody accepted must not delay the first real client.
. test/lib.sh
vmtool=$PWD/out/vmtool
sock=$tap_dir/agent.sock
probes=100

# Ends of connections to the socket, accepted or not: /proc/net/unix names each by its path.
connections() { grep -c -- "$sock\$" /proc/net/unix; }

all_queued() { [ "$(connections)" -eq $((probes + 1)) ]; }

"$vmtool" guest-agent --listen "unix:$sock" 2>"$tap_dir/log" &
agent=$!
trap '{ kill -CONT $agent; kill $agent; wait $agent; } 2>/dev/null; rm -rf "$tap_dir"' EXIT
ok "the agent listens" within 20 listens "$sock"
run "$vmtool" exec "unix:$sock" -- true
is "$rc" 0 "and serves"

kill -STOP $agent
pids=()
for ((i = 0; i < probes; i++)); do
	"$vmtool" exec "unix:$sock" -- true 2>/dev/null </dev/null &
	pids+=($!)
done
ok "$probes connections wait for an agent that does not accept" within 20 all_queued
{ kill -9 "${pids[@]}" && wait "${pids[@]}"; } 2>/dev/null

began=${EPOCHREALTIME/./}
kill -CONT $agent
run "$vmtool" exec "unix:$sock" -- sh -c 'exit 42'
took=$(((${EPOCHREALTIME/./} - began) / 1000))
is "$rc" 42 "the first real client behind them is served"
diag "served $took ms after the agent came back"
# Whoever waits for each dead one, and be it 50 ms, needs longer; a busy machine alone does not.
ok "without waiting for any of those" [ $took -lt 5000 ]
idle() { [ "$(connections)" -eq 1 ]; }
ok "and the dead connections are gone" within 20 idle
done_testing
