# report: a VM's latest start as a waterfall, from an events.jsonl that may be damaged.
. test/lib.sh
export VMTOOL_HOME=$tap_dir/home
vm=$VMTOOL_HOME/vms/web
mkdir -p "$vm"

run out/vmtool report web
is "$rc" 1 "a VM that never started: exit code 1"
like "$err" "web: has not been started yet*try: vmtool start web" "with what to do"
run out/vmtool report nobody
is "$rc" 1 "a VM that is not there"
run out/vmtool report web --svg x --json
is "$rc" 2 "two forms at once: exit code 2"

event() {	# T_MS KEYS
	printf '{"seq":1,"time":"2026-01-02T03:04:05.678Z","t_ms":%s,"vm":"web","boot":"B",%s}\n' "$1" "$2"
}
stage() { event "$1" "\"event\":\"stage\",\"origin\":\"host\",\"stage\":\"$2\",\"state\":\"$3\",\"detail\":\"\""; }
{
	stage 0 prepare begin
	stage 3 prepare "done"
	stage 3 kernel begin
	echo 'no event'
	event 812 '"event":"exit","reason":"panic","detail":"it panicked","diagnosis":{"id":"no_init","line":"No working init found."}'
	printf '{"seq":9,"time":"20'
} >"$vm/events.jsonl"

run out/vmtool report web
is "$rc" 0 "a start that failed is shown as well"
is "$out" "web: not ready, ended after 812 ms (panic)
began 2026-01-02T03:04:05.678Z, boot B

host              began        took
  prepare          0 ms        3 ms
  kernel           3 ms  never ended

it panicked
cause: the guest has no program to run as its process 1
       No working init found.
try: an init= (or rdinit=) that exists in the guest
lines of events.jsonl that could not be read: 2" "with what never ended, the cause, and what could not be read"

run out/vmtool report web --json
like "$out" '"outcome": "failed"' "as JSON"
like "$out" '"name": "kernel",
   "begin_ms": 3,
   "end_ms": null' "in which an end that never was is null"

run out/vmtool report web --svg "$tap_dir/web.svg"
is "$rc/$out$err" "0/" "a picture is written without a word"
like "$(cat "$tap_dir/web.svg")" '<svg xmlns="http://www.w3.org/2000/svg"*never ended*</svg>' "it is one"
is "$(grep -o '>[0-9]* ms</text>' "$tap_dir/web.svg" | grep -c -e '>600 ' -e '>800 ')" 1 "what the scale says is not written over the end"
run out/vmtool report web --svg -
is "$out" "$(cat "$tap_dir/web.svg")" "- is standard output"
(cd "$tap_dir" && "$OLDPWD/out/vmtool" report web --svg here.svg)
ok "a bare name is a file here" cmp "$tap_dir/web.svg" "$tap_dir/here.svg"
run out/vmtool report web --svg "$tap_dir/none/web.svg"
is "$rc" 1 "a folder that is not there: exit code 1"
like "$err" "report: --svg: $tap_dir/none/: No such file or directory" "said with its name"
run out/vmtool report web --svg "$tap_dir/"
is "$rc" 2 "a folder is no file"
is "$(ls -A "$tap_dir" | grep -c '^\.')" 0 "nothing half made is left"

run script -qec "stty cols 60; TERM=xterm LANG=C.UTF-8 out/vmtool report web" /dev/null
like "$out" "█*3 ms*░░░*never ended" "a terminal gets bars"
run script -qec "stty cols 60; TERM=xterm NO_COLOR=1 LANG=C LC_ALL= out/vmtool report web" /dev/null
like "$out" "kernel*~~~~* never ended" "in plain letters where it knows no others"
case $out in
*"$(printf '\033')"*) fail "NO_COLOR is heard" ;;
*) pass "NO_COLOR is heard" ;;
esac
done_testing
