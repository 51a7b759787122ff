# peers: ones nobody wishes for, over vsock: on the guest's ports from the host, on the host's from the guest,
# and on the guest's from within the guest. The first part is cli/peers.t, which has no VM.
# with: test/vm/host.sh test/both/target.sh test/both/peers.sh out/tools/peer
. /lab/in/lib.sh
target_sh=/lab/in/target.sh
. /lab/in/peers.sh

in_guest() { vmtool exec web -- "$@" </dev/null; }
host_agent=$(processes agent)
vmtool cp -q /lab/in/peer web:/bin/peer

# --- more silent ones than there are places: they have their idle time, and no more ---

/lab/in/peer stuck "$(port 4089)" 140 >"$tap_dir/full" 2>&1 &
full=$!
within 20 grep -q stuck "$tap_dir/full"
run vmtool exec -t web -- sh -c 'exit 43'
is "$rc" 43 "one port that is full leaves the others alone"
run vmtool exec web -- sh -c 'exit 42'
is "$rc" 42 "and is served again, when the silent ones have had their time"
wait $full
is "$?/$(tail -n 1 "$tap_dir/full")" "0/let go 140" "each of whom is let go"

# --- the host's ports, from the guest and from the host itself ---

events=$VMTOOL_HOME/vms/web/events.jsonl
seen=$(wc -l <"$events")
for seed in 1 2 3 4 5 6 7 8; do
	in_guest timeout 60 peer noise vsock:2:4088 $seed || echo "guest, seed $seed: $?"
	timeout 60 /lab/in/peer noise "unix:${target_sock}_4088" $seed || echo "host, seed $seed: $?"
done >"$tap_dir/noise"
is "$(grep -v '^noise' "$tap_dir/noise")" "" "noise on the beacon's port comes to an end"
run in_guest timeout 60 peer stuck vsock:2:4088 12
is "$rc/$(echo "$out" | tail -n 1)" "0/let go 12" "who is silent there is let go, more of them than places too"
for n in 22 1024 4088000 4089 4094; do
	run in_guest peer noise vsock:2:$n 1
	is "$rc" 1 "host port $n is nobody's, for a guest"
done
is "$(sed "1,${seen}d" "$events")" "" "none of it is an event"
is "$(processes agent)" "$host_agent" "it is the same host agent"
ok "the VM is what it was" state_is web running

# --- who in the guest would be its host ---

cid=3
for who in 1 $cid; do
	for n in 4088 4089 4090 4093; do
		run in_guest timeout 20 peer hex vsock:$who:$n 0100000001aa
		is "$rc/$out" "1/" "CID $who is not the host: port $n"
	done
done
# This lab's own kernel has what the guest's has not, a loopback that works.
modprobe vsock_loopback
vmtool execd --listen vsock:7001 2>"$tap_dir/execd" &
execd=$!
within 20 grep -q serving "$tap_dir/execd"
/lab/in/peer take vsock:0:7002 1 >"$tap_dir/control" &
within 20 grep -q listening "$tap_dir/control"
run /lab/in/peer give vsock:1:7002 10
is "$out" "gave 10, came back 1" "on a kernel with loopback a process reaches another so"
run timeout 20 /lab/in/peer hex vsock:1:7001 0100000001aa
is "$out" "" "but none of ours answers it"
kill $execd

vmtool stop web >"$tap_dir/stop" 2>&1
like "$(cat "$tap_dir/stop")" "disks synced (rung guest)" "after all this the VM ends in order"
done_testing
