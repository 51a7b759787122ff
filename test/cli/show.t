# show: what a guest says of itself; one that hangs does not hang it (D6).
. test/lib.sh
vmtool=$PWD/out/vmtool
sock=$tap_dir/agent.sock

"$vmtool" guest-agent --listen "unix:$sock" 2>"$tap_dir/log" &
agent=$!
trap '{ kill -CONT $agent; kill $agent; wait $agent; } 2>/dev/null; rm -rf "$tap_dir"' EXIT
ok "the agent listens" within 20 listens "$sock"

run "$vmtool" show --json "unix:$sock"
is "$rc" 0 "a guest agent is asked"
like "$out" '"pid1": "other"' "and says that process 1 is somebody else"
like "$out" "\"boot\": \"$(cat /proc/sys/kernel/random/boot_id)\"" "the kernel's boot id"
like "$out" "\"kernel\": \"$(uname -r)\"" "and version"
run "$vmtool" show "unix:$sock"
like "$out" "guest.kernel*$(uname -r)" "the same for people"

kill -STOP $agent
began=${EPOCHREALTIME/./}
run "$vmtool" show "unix:$sock"
took=$(((${EPOCHREALTIME/./} - began) / 1000))
kill -CONT $agent
is "$rc" 124 "one that does not answer is given up"
like "$err" "in time" "with a sentence"
ok "after a second ($took ms)" [ $took -lt 3000 ]

run "$vmtool" show "unix:$tap_dir/nobody"
is "$rc" 1 "nobody is there"
like "$err" "no running VM behind" "and it says so"
run "$vmtool" show
is "$rc" 2 "no name is wrong usage"
VMTOOL_HOME=$tap_dir/home run "$vmtool" show nobody
is "$rc" 1 "a VM that is not there"
like "$err" "there is no VM of this name" "is none"
done_testing
