# exec: what may be asked for, what is refused before any work, and what reaches the command.
. test/lib.sh
. test/cli/agent.sh

x() { run "$vmtool" exec "$@"; }

# refused SENTENCE OPTION...: wrong usage, without a guest being asked.
refused() {
	local want=$1
	shift
	x "$@" nobody true
	is "$rc" 2 "exec $*: wrong usage"
	like "$err" "$want" "exec $*: $want"
}

refused "there is no 'files'; there are: nofile nproc" --ulimit files=1
refused "'nofile' is not NAME=SOFT" --ulimit nofile
refused "the soft limit is above" --ulimit nofile=2:1
refused "there is no 'sys'; there are: chown" --cap-drop sys
refused "--mask-path: 'proc' is no absolute path" --mask-path proc
refused "--id: 'a b' is not" --id 'a b'
refused "'forgive' is not kill, detach or hold" --on-disconnect forgive
refused "--on-disconnect hold: 'x' is not a time" --on-disconnect hold:x
refused "--detach-keys: 'ab' is not KEY" --detach-keys ab
refused "--timeout: 'soon' is not a time" --timeout soon
x unix: true
is "$rc" 2 "a socket without a path is wrong usage"
like "$err" "unix: wants the path of a socket" "and it says so"
refused "cannot be killed when left" -d --on-disconnect kill
refused "nobody would be there" -d --timeout 5s
for word in exec shell attach; do
	run "$vmtool" help $word
	ok "help $word gives an example" grep -q "  vmtool $word " <<<"$out"
	ok "help $word stays within 100 columns" test -z "$(grep -E '.{101}' <<<"$out")"
done

# --- what the command gets ---

x --ulimit nofile=100:200 --ulimit core=0 "$guest" sh -c 'ulimit -Sn; ulimit -Hn; ulimit -c'
is "$out" "100
200
0" "limits are the command's"
x --no-new-privs "$guest" grep NoNewPrivs /proc/self/status
like "$out" "1" "no new privileges"
if [ "$(id -u)" = 0 ]; then
	x --cap-drop CAP_NET_RAW --cap-drop kill "$guest" grep CapBnd /proc/self/status
	is "$((0x${out##*[[:space:]]} & (1 << 13 | 1 << 5)))" 0 "capabilities are gone from the bounding set"
	x --cap-drop all "$guest" grep -E 'Cap(Prm|Eff|Bnd)' /proc/self/status
	# shellcheck disable=SC2020 # a set, as tr has it
	is "$(tr -d 'CapPrmEfBnd:0 \t\n' <<<"$out")" "" "all of them"
	x --group 54321 --group daemon "$guest" id -G
	is "$(tr ' ' '\n' <<<"$out" | sort -n | xargs)" "0 $(getent group daemon | cut -d: -f3) 54321" "groups instead of the user's"
	x --group nobody-such "$guest" true
	is "$rc" 125 "a group that is not there"
fi

# --- what it sees ---

x --read-only-path /etc --mask-path "$tap_dir/nowhere" "$guest" true
is "$rc" 125 "a path that is not there and is to be masked"
like "$err" "$tap_dir/nowhere: to be read only or masked, and not there" "and it is named"
if [ "$(id -u)" = 0 ] && unshare -m true 2>/dev/null; then
	mkdir -p "$tap_dir/seen/below" "$tap_dir/closed"
	echo secret | tee "$tap_dir/seen/file" "$tap_dir/closed/file" >"$tap_dir/one"
	mounts=$(cat "/proc/$agent_pid/mountinfo")
	x --read-only-path "$tap_dir/seen" --mask-path "$tap_dir/closed" --mask-path "$tap_dir/one" --mask-path /proc/sys "$guest" \
		sh -c 'cd "$1"; cat seen/file; echo x >seen/file; mkdir seen/below/x; ls -A closed /proc/sys; cat one; echo free >free' sh "$tap_dir"
	is "$out" "secret
/proc/sys:

closed:" "what may only be read is there, what is masked is not"
	like "$err" "ile system" "and it was not written"
	is "$(cat "$tap_dir/seen/file" "$tap_dir/closed/file" "$tap_dir/free")" "secret
secret
free" "the rest is as ever, for others all of it"
	x --read-only-path / "$guest" sh -c 'echo x >"$1/free" || echo x >/dev/null' sh "$tap_dir"
	is "$rc/$(cat "$tap_dir/free")" "0/free" "all of it may be read only"
	x --read-only-path "$tap_dir/seen" "$guest" sh -c 'mount -o remount,bind,rw "$1/seen" || umount "$1/seen"; cat /proc/1/root/etc/passwd; echo x >"$1/seen/file"' sh "$tap_dir"
	is "$(cat "$tap_dir/seen/file")" secret "and not even root undoes it"
	x --cap-drop kill --mask-path "$tap_dir/one" "$guest" grep CapBnd /proc/self/status
	is "$((0x${out##*[[:space:]]} & (1 << 5 | 1 << 21 | 1 << 19)))" 0 "for it may not mount, nor look at who sees more"
	is "$(cat "/proc/$agent_pid/mountinfo")" "$mounts" "the agent sees what it saw"
else
	skip "only root mounts" "what is masked is not there"
fi
x -i "$guest" true
is "$rc" 0 "-i is accepted"

# --- time ---

x --timeout 300ms "$guest" sleep 60
is "$rc" 124 "a command beyond its time ends with 124"
like "$err" "did not end within its time" "and that is said"
x --timeout 300ms "$guest" sh -c 'trap "exit 0" TERM; while :; do sleep 0.01; done'
is "$rc" 124 "even when it ends well"
x --timeout 20s "$guest" sh -c 'exit 3'
is "$rc" 3 "one within its time has its own"

# --- left running ---

x -d "$guest" sh -c 'echo said; exec sleep 60'
is "$rc" 0 "exec -d returns"
like "$out" "x????????" "and prints an id"
x -d --id mine "$guest" sleep 61
is "$out" mine "or the one it was given"
x -d --id mine "$guest" sleep 61
is "$rc/$out" "0/mine" "a start that is repeated is the same start"
is "$(children "$agent_pid" sleep 61 | wc -l)" 1 "and nothing ran twice"
x -d --id mine "$guest" sleep 62
is "$rc" 125 "another request under its id is refused"
# shellcheck disable=SC2046 # one argument each
kill $(children "$agent_pid" sleep 60) $(children "$agent_pid" sleep 61)

# --- a connection that breaks ---

mkfifo "$tap_dir/in"
"$vmtool" exec --on-disconnect hold:20s --id kept "$guest" cat <"$tap_dir/in" >"$tap_dir/out" 2>"$tap_dir/err" &
held=$!
exec 3>"$tap_dir/in"
echo before >&3
within 10 grep -q before "$tap_dir/out"
run "$vmtool" attach "$guest" kept </dev/null
is "$rc" 0 "whoever attaches with an empty input ends it"
is "$out" before "and sees what was said before"
exec 3>&-
wait $held
is "$?" 125 "the one before is let go"
like "$(cat "$tap_dir/err")" "attached" "and told why"

# A line that is cut every 300 kB, with what it held: nothing is lost, nothing comes twice.
"$PWD/out/tools/cutter" "$tap_dir/bad" "$tap_dir/agent" 300000 &
cutter=$!
within 20 listens "$tap_dir/bad"
head -c 8388608 /dev/urandom >"$tap_dir/big"
timeout 60 "$vmtool" exec --on-disconnect hold:20s "unix:$tap_dir/bad" -- sh -c 'cat; exit 7' <"$tap_dir/big" >"$tap_dir/back" 2>"$tap_dir/err"
is "$?" 7 "a command whose line is cut again and again has its code"
ok "and every byte, both ways" cmp "$tap_dir/big" "$tap_dir/back"
ok "over more than 20 connections" test "$(grep -c 'back after' "$tap_dir/err")" -gt 20
run timeout 60 "$vmtool" exec "unix:$tap_dir/bad" cat /dev/zero
is "$rc" 125 "without hold the status is lost, and that is a failure"
kill "$cutter"

# --- without a terminal ---

x -t "$guest" stty size </dev/null
is "$(tr -d '\r' <<<"$out")" "24 80" "-t without a terminal of ours is 24 by 80"
x -t "$guest" sh -c 'tty >/dev/null && echo yes' </dev/null
is "$(tr -d '\r' <<<"$out")" yes "and a terminal in the guest"
run bash -c "printf 'echo \$((6*7))\nexit 4\n' | '$vmtool' exec -it '$guest' sh"
is "$rc" 4 "-it with stdin a pipe: the shell there reads it"
like "$out" "42" "and answers"
run bash -c "echo no end | '$vmtool' exec -it '$guest' cat"
is "$rc" 0 "its end is ctrl-d"
x -T "$guest" sh -c 'tty; exit 6' </dev/null
is "$rc/$out" "6/not a tty" "-T is pipes"

# --- with one ---

run "$term" -- "$vmtool" exec "$guest" -- sh -c 'tty >/dev/null && stty size'
is "$rc/$(tr -d '\r' <<<"$out")" "0/24 80" "on a terminal of ours the command has one too"
run "$term" size=40x120 -- "$vmtool" exec "$guest" -- sh -c 'until [ "$(stty size)" = "40 120" ]; do sleep 0.01; done; exit 9'
is "$rc" 9 "of the same size"
run env TERM=vt52 COLORTERM=x LANG=xx "$term" -- "$vmtool" exec -e COLORTERM=y "$guest" -- sh -c 'echo $TERM $COLORTERM'
is "$(tr -d '\r' <<<"$out")" "vt52 y" "TERM is passed, -e wins"
run "$term" expect=up 'type=\x03' -- "$vmtool" exec "$guest" sh -c 'trap "echo got it; exit 8" INT; echo up; while :; do sleep 0.01; done'
is "$rc" 8 "ctrl-c is a key"
like "$out" "got it" "that the guest's terminal makes a signal of"
run "$term" expect=up signal=15 -- "$vmtool" exec "$guest" sh -c 'trap "" TERM; echo up; exec sleep 63'
is "$rc" 143 "TERM ends us, and the terminal is as before"
nobody_sleeps() { [ -z "$(children "$agent_pid" sleep 63)" ]; }
within 10 nobody_sleeps
is "$?" 0 "the command too"
run "$term" expect=up 'type=\x10\x11' -- "$vmtool" exec --id left "$guest" sh -c 'echo up; exec cat'
is "$rc" 0 "detach keys"
like "$out" "left left running; vmtool attach $guest left goes back" "and the way back"
run "$term" expect=up 'type=again\r' expect=again 'type=\x04' -- "$vmtool" attach "$guest" left
is "$rc" 0 "attach shows what was, and goes on"
run "$term" expect=up raw signal=20 stopped signal=18 raw 'type=q' -- "$vmtool" exec "$guest" sh -c 'stty raw; echo up; dd bs=1 count=1 2>/dev/null; exit 3'
is "$rc" 3 "suspended and continued"

# --- bytes ---

head -c 67108864 /dev/urandom >"$tap_dir/big"
is "$("$vmtool" exec "$guest" cat <"$tap_dir/big" | md5sum)" "$(md5sum <"$tap_dir/big")" "64 MiB there and back"
rm "$tap_dir/big"
base64 -w 0 /dev/urandom | head -c 1048576 >"$tap_dir/paste"
sum=$(md5sum <"$tap_dir/paste" | cut -c 1-32)
run "$term" expect=ready paste="$tap_dir/paste" "expect=$sum" -- "$vmtool" exec "$guest" sh -c 'stty raw -echo; echo ready; head -c 1048576 | md5sum'
is "$rc" 0 "1 MiB pasted into a raw terminal arrives whole"
head -c 1048576 /dev/urandom | tr '\020\021' 'xy' >"$tap_dir/paste"
sum=$(md5sum <"$tap_dir/paste" | cut -c 1-32)
run "$term" expect=ready paste="$tap_dir/paste" "expect=$sum" -- "$vmtool" exec --detach-keys none "$guest" sh -c 'stty raw -echo; echo ready; head -c 1048576 | md5sum'
is "$rc" 0 "any bytes"

done_testing
