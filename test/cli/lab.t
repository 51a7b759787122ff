# lab: a command in the emulated KVM host behaves as if it ran here, and no end of it leaves anything.
#
# Boots are dear (some seconds each), so each answers several questions and most share the cores.
. test/lib.sh

unset LAB LAB_CLOCK
lab=test/lab/lab.sh

# start NAME [OPTION...] -- CMD...: a lab in the background; $pid, its streams in NAME.out and .err.
# A shell without job control has its background children ignore ^C: not this one.
start() {
	local name=$1
	shift
	env --default-signal=INT "$lab" -o "$tap_dir/$name.lab" "$@" </dev/null \
		>"$tap_dir/$name.out" 2>"$tap_dir/$name.err" &
	pid=$!
}

qemu_of() {
	local child children
	read -ra children <"/proc/$1/task/$1/children"
	for child in "${children[@]}"; do
		[[ $(cat "/proc/$child/comm") != qemu* ]] || echo "$child"
	done
}

# start_up NAME [OPTION...] -- : the same, with a command that lasts; returns when it runs.
start_up() {
	mkfifo "$tap_dir/$1.up"
	local name=$1 line
	shift
	env --default-signal=INT LAB_CLOCK=paced "$lab" -o "$tap_dir/$name.lab" "$@" sh -c 'echo up; exec sleep 1000' </dev/null \
		>"$tap_dir/$name.up" 2>"$tap_dir/$name.err" &
	pid=$!
	read -r line <"$tap_dir/$name.up" || diag "$name: $(cat "$tap_dir/$name.err")"
	qemu=$(qemu_of "$pid")
}

# finish NAME PID: its exit status and streams in $rc, $out and $err.
finish() {
	rc=0
	wait "$2" || rc=$?
	out=$(cat "$tap_dir/$1.out" 2>/dev/null)
	err=$(cat "$tap_dir/$1.err")
}

# gone PID: it ends within five seconds.
gone() { timeout 5 tail --pid="$1" -s 0.1 -f /dev/null; }

# --- wrong usage, before any work ---
run "$lab" --nonsense
is "$rc" 2 "an unknown option is wrong usage"
run "$lab" -f "$tap_dir/absent" -- true
is "$rc" 1 "a file that is not there ends it"
like "$err" "absent: no such file" "and is named"
LAB_SILENCE=soon run "$lab" -- true
is "$rc" 2 "LAB_SILENCE is a number"
LAB=banana run "$lab" -- true
is "$rc" 2 "LAB has three values"
like "$err" "LAB=banana" "and says which it was given"
LAB_CLOCK=sundial run "$lab" -- true
is "$rc" 2 "so has LAB_CLOCK"
like "$err" "LAB_CLOCK=sundial" "and it says which it was given"

# --- the emulator, without its fault ---
cure() { (. test/lab/emulator.sh && emulator_cure "$1") >"$tap_dir/cured"; }
qemu=$(readlink -f "$(command -v qemu-system-x86_64)")
ok "one place in this QEMU is changed" cure "$qemu"
ok "by six bytes at the most" test "$(cmp -l "$qemu" "$tap_dir/cured" | wc -l)" -le 6
run cure "$(command -v bash)"
is "$rc" 1 "a program without that place is told from it"

# --- argv, files in and out, streams apart, an exit status ---
cat >"$tap_dir/probe.sh" <<'END'
printf '%s\0' "$@" >/lab/out/argv
echo to-stdout
echo to-stderr >&2
cat /lab/in/probe.sh >/lab/out/probe.sh
touch -d '2099-01-01 00:00' /lab/out/probe.sh
mkdir -p "/lab/out/a folder"
head -c 300000 /dev/zero >"/lab/out/a folder/zeros"
exit 42
END
args=("two words" "" $'new\nline' "'single'" '"double"' '$HOME `x` \\-' -- --auto -f '*' 'üñï' $'\xff\x01' "$(head -c 100000 /dev/zero | tr '\0' x)" last)
start probe -f "$tap_dir/probe.sh" -- sh /lab/in/probe.sh "${args[@]}"
finish probe "$pid"
is "$rc" 42 "the exit status is the command's"
is "$out" to-stdout "stdout is stdout alone"
is "${err##*$'\n'}" to-stderr "stderr is stderr alone, after what the lab had to prepare, also when its clock is ahead"
printf '%s\0' "${args[@]}" >"$tap_dir/argv"
ok "argv arrives byte for byte" cmp "$tap_dir/argv" "$tap_dir/probe.lab/argv"
ok "a file goes in and comes back" cmp "$tap_dir/probe.sh" "$tap_dir/probe.lab/probe.sh"
is "$(stat -c %s "$tap_dir/probe.lab/a folder/zeros")" 300000 "so does a folder"

# --- stdin, as bytes ---
head -c 5242880 /dev/urandom >"$tap_dir/noise"
rc=0
"$lab" -o "$tap_dir/bytes" -- tee /dev/stderr <"$tap_dir/noise" \
	>"$tap_dir/bytes.out" 2>"$tap_dir/bytes.err" || rc=$?
is "$rc" 0 "the end of stdin arrives"
ok "5 MiB of stdin come back on stdout" cmp "$tap_dir/noise" "$tap_dir/bytes.out"
tail -c 5242880 "$tap_dir/bytes.err" >"$tap_dir/bytes.last"
ok "and on stderr beside it" cmp "$tap_dir/noise" "$tap_dir/bytes.last"

# --- exit statuses, from labs side by side ---
start one -- sh -c 'exit 1'
one=$pid
start max -- sh -c 'exit 255'
max=$pid
start killed -- sh -c 'kill -KILL $$'
killed=$pid
start absent -- no-such-command
absent=$pid
finish one "$one"
is "$rc" 1 "1 is 1"
finish max "$max"
is "$rc" 255 "255 is 255"
finish killed "$killed"
is "$rc" 137 "death by a signal is 128 and its number"
finish absent "$absent"
is "$rc" 127 "a command that is not there is 127"
like "$err" "no-such-command" "and is named"
start folder -- /lab
folder=$pid
start panic -- sh -c 'echo c >/proc/sysrq-trigger; sleep 1000'
panic=$pid
"$lab" -o "$tap_dir/pipe" -- yes 2>/dev/null | head -n 1 >"$tap_dir/pipe.out"
pipe=("${PIPESTATUS[@]}")
finish folder "$folder"
is "$rc" 126 "a command that cannot be executed is 126"
is "${pipe[0]} $(cat "$tap_dir/pipe.out")" "141 y" "a reader that leaves breaks the command's pipe"

# --- its time ---
# Two at the same moment, so that each has a busy host. The sleep alone is longer than this file may take.
work='read before _ </proc/uptime; for i in $(seq 20000); do :; done; sleep 2000; read after _ </proc/uptime; echo "$before $after"'
start clock -- sh -c "$work"
clock=$pid
start again -- sh -c "$work"
finish again "$pid"
again=$out
finish clock "$clock"
took() { awk '{ printf "%.0f", ($2 - $1) * 10 }' <<<"$1"; }
is "$rc $(took "$out")" "0 $(took "$again")" "a busy host changes the lab's time"
ok "a sleep lasts as long there, and hardly any time here" [ "$(took "$out")" -ge 20000 ]

# --- ends that are not the command's own ---
finish panic "$panic"
is "$rc" 125 "a panic of the emulated host is 125"
like "$err" "the emulated host died" "says so"
like "$err" "Kernel panic" "and shows the console"

start_up hung --
hung=$pid
kill -STOP "$qemu"
kill -INT "$pid"
kill -TERM "$pid"
finish hung "$hung"
is "$rc" 143 "whoever asks twice ends a lab that is past listening"
ok "and no QEMU stays" gone "$qemu"

LAB_SILENCE=4 start_up silent --
silent=$pid
kill -STOP "$qemu"
finish silent "$silent"
is "$rc" 125 "a lab that no longer answers is 125"
like "$err" "the emulated host stopped answering (4 s)" "and says so"
like "$err" "QEMU's own monitor is silent too" "and that it was QEMU, which stood still"
ok "its QEMU is gone" gone "$qemu"

# The kernel of this one is silent by its own wish.
LAB_SILENCE=4 run "$lab" -- sh -c 'echo freeze >/sys/power/state'
is "$rc" 125 "so is one whose kernel stands still"
like "$err" "RIP=" "of which its CPU's registers are told"

start_up interrupted --
kill -INT "$pid"
ok "^C ends it within seconds" gone "$pid"
finish interrupted "$pid"
is "$rc" 130 "with the command's own status"
ok "and no QEMU" gone "$qemu"

start_up orphan --
disown "$pid" # bash would report its death
kill -KILL "$pid"
ok "QEMU does not outlive a runner that was killed" gone "$qemu"

# --- this host's own KVM: the same contract ---
if LAB=host "$lab" -- true 2>"$tap_dir/host.err"; then
	LAB=host start host -f "$tap_dir/probe.sh" -- sh /lab/in/probe.sh "${args[@]}"
	finish host "$pid"
	is "$rc/$out/${err##*$'\n'}" "42/to-stdout/to-stderr" "LAB=host: status and streams"
	ok "LAB=host: argv, and /lab/out comes back" cmp "$tap_dir/argv" "$tap_dir/host.lab/argv"
else
	skip "$(cat "$tap_dir/host.err")" "LAB=host: status and streams"
	skip "the same" "LAB=host: argv, and /lab/out comes back"
fi

done_testing
