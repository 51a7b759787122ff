# attach: back to a command that runs, with what it said meanwhile.
. test/lib.sh
. test/cli/agent.sh

run "$vmtool" attach
is "$rc" 2 "attach without a name"
run "$vmtool" attach "$guest" 'a/b'
is "$rc" 2 "what is no id"
run "$vmtool" attach "$guest" a b
is "$rc" 2 "one word too many"
run "$vmtool" attach "$guest" no-such
is "$rc" 125 "a session that is not there"
like "$err" "no-such" "and its id"
run "$vmtool" attach "$guest"
is "$rc" 125 "no main process here"

"$vmtool" exec -d --id talk "$guest" sh -c 'echo one; echo two >&2; until [ -e '"$tap_dir"'/go ]; do sleep 0.01; done; echo three; exit 9' >/dev/null
"$vmtool" attach "$guest" talk >"$tap_dir/out" 2>"$tap_dir/err" &
first=$!
within 10 grep -q two "$tap_dir/err"
kill -INT $first
wait $first
is "$?" 130 "INT leaves"
like "$(cat "$tap_dir/err")" "left talk running; vmtool attach $guest talk goes back" "and says so"
is "$(cat "$tap_dir/out")" one "what it said before is shown"
touch "$tap_dir/go"
run "$vmtool" attach "$guest" talk
is "$rc/$out" "9/one
three" "again, with the rest and the command's code"
is "$err" two "streams stay apart"

# 1 MiB into a session that keeps 256 KiB.
"$vmtool" exec -d --id much "$guest" sh -c 'head -c 1048576 /dev/zero | tr "\0" x; echo $$ >'"$tap_dir/much"'; exec sleep 65' >/dev/null
within 10 test -s "$tap_dir/much"
kill "$(cat "$tap_dir/much")"
run "$vmtool" attach "$guest" much
is "$rc" 143 "one that has ended meanwhile gives its code"
lost=$(sed -n 's/.*: \([0-9]*\) bytes of output are not kept any more/\1/p' <<<"$err")
is "$((lost + ${#out}))" 1048576 "what is not kept any more is counted"

"$vmtool" exec -d -i --id ask "$guest" sh -c 'read -r line; echo "got $line"' >/dev/null
run bash -c "echo words | '$vmtool' attach '$guest' ask"
is "$rc/$out" "0/got words" "exec -d -i keeps a stdin for whoever attaches"
"$vmtool" exec -d -t --id screen "$guest" sh -c 'stty -echo; echo up; cat' >/dev/null
run "$term" size=30x90 expect=up raw 'type=hi\r' expect=hi 'type=\x10\x11' -- "$vmtool" attach "$guest" screen
is "$rc" 0 "a terminal is left by keys"
run "$term" expect=hi raw signal=1 -- "$vmtool" attach "$guest" screen
is "$rc" 129 "and by HUP"
run "$term" raw 'type=new\r' expect=new 'type=\x04' -- "$vmtool" attach --no-replay "$guest" screen
is "$rc" 0 "and is there still"
ok "without what was before" test -z "$(grep hi <<<"$out")"

# A line that is cut every 90 kB: whoever attached comes back.
"$PWD/out/tools/cutter" "$tap_dir/bad" "$tap_dir/agent" 90000 &
cutter=$!
within 10 listens "$tap_dir/bad"
"$vmtool" exec -d --id lines "$guest" sh -c 'seq 30000; until [ -e '"$tap_dir"'/on ]; do sleep 0.01; done; exit 8' >/dev/null
timeout 60 "$vmtool" attach "unix:$tap_dir/bad" lines >"$tap_dir/out" 2>"$tap_dir/err" &
first=$!
within 20 grep -q '^30000$' "$tap_dir/out"
touch "$tap_dir/on"
wait $first
is "$?" 8 "one whose line is cut again and again has the command's code"
is "$(cksum <"$tap_dir/out")" "$(seq 30000 | cksum)" "and all its output, once"
like "$(cat "$tap_dir/err")" "the connection is lost" "and was told"
kill "$cutter"
wait "$cutter" 2>/dev/null

done_testing
