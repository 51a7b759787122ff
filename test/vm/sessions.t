# sessions: slices of the long runs over vsock. What misbehaves on the guest's ports is vm/peers.t.
# with: test/vm/host.sh test/both/target.sh test/soak/random.sh test/soak/bulk.sh test/soak/sessions.sh test/soak/shots.sh
. /lab/in/lib.sh
. /lab/in/target.sh # one VM for all of it
trap 'target_end; rm -rf "$tap_dir"' EXIT

run sh /lab/in/bulk.sh 4 7
is "$rc" 0 "4 MiB through stdin and stdout, a raw terminal and cp are the same bytes"
diag "$out"
run sh /lab/in/sessions.sh 12 7
is "$rc" 0 "twelve commands end in all ways, each with its code, and leave nothing"
diag "$out"
run sh /lab/in/shots.sh 6 7
is "$rc" 0 "what process 1 has started is shot, and whoever waited hears of it"
diag "$out"
done_testing
