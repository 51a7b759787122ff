# shots.sh ROUNDS SEED - what the guest's agent has started is shot with SIGKILL at some moment: commands,
# terminals, copies, lookups of names. Whoever waited hears of it; a file is the old or the new one;
# the agent serves on, and in the end has as many descriptors as before. Exits 1 when a round failed.
#
# In the lab over vsock with a VM; outside with a guest agent and vmtool on the PATH:
# sh test/soak/shots.sh 1000 1
. "${0%/*}/random.sh"
rounds=$1 seed=$2 first_seed=$2
failures=0 shots=0
dir=$(mktemp -d)

# there SCRIPT: in the guest. $agent is who serves there.
in=/lab/in
[ -d $in ] || in=test/both
. $in/target.sh
trap 'target_end; rm -rf "$dir"' EXIT

fail() {
	failures=$((failures + 1))
	echo "round $round ($kind): $*"
}

are_as_before() { [ "$(agent_descriptors)" -le "$before" ]; }
sum() { md5sum <"$1" | cut -c 1-32; }
# Where a copy goes to: into the guest, or out of it.
at_end() { if [ "$kind" = in ]; then there "$1"; else sh -c "$1"; fi; }
sum_at_end() { at_end "md5sum <$dir/to/file" | cut -c 1-32; }

# What a host asks for; none of it may take 20 s.
count='i=0; while [ $i -lt 300 ]; do i=$((i + 1)); echo $i; done; sleep '
if [ "$agent" = 1 ]; then count="${count}0.5"; else count="${count}0.05"; fi # the shot is slower there
ask_command() { exec timeout 20 vmtool exec "$target" -- sh -c "$count"; }
ask_terminal() { exec timeout 20 vmtool exec -t "$target" -- sh -c "$count"; }
ask_in() { exec timeout 20 vmtool cp -q "$dir/new" "$target:$dir/to/file"; }
ask_out() { exec timeout 20 vmtool cp -q "$target:$dir/new" "$dir/to/file"; }
ask_name() { exec timeout 20 vmtool ssh-proxy -p 9 "$target"; } # where nobody listens

# Its code: done, or what says that it was not.
is_right() {
	case $kind.$code in
	command.0 | command.137 | terminal.0 | terminal.137) ;;
	in.0 | out.0) [ "$(sum_at_end)" = "$new" ] ;;
	in.1 | out.1 | name.1) [ -s "$dir/err" ] ;;
	*) return 1 ;;
	esac
}

# All its children but for the one that does it, so long after there is one: shoot SECONDS. Whoever would start
# a program to look for them comes too late on a busy machine.
shoot() {
	shots=$((shots + $(there "
		look() {
			all= targets=
			if [ -f /proc/$agent/task/$agent/children ]; then
				read -r all </proc/$agent/task/$agent/children # without a newline: 1
			else
				for stat in /proc/[0-9]*/stat; do
					read -r child _ _ parent _ <\$stat && [ \$parent = $agent ] && all=\"\$all \$child\"
				done
			fi
			for child in \$all; do [ \$child = \$\$ ] || targets=\"\$targets \$child\"; done
		}
		looks=0
		until look; [ \"\$targets\" ] || [ \$looks = 200 ]; do looks=\$((looks + 1)); done
		[ $1 = 0.00 ] || { sleep $1; look; }
		for child in \$targets; do kill -9 \$child && echo hit; done" 2>/dev/null | grep -c hit)))
}

one_round() {
	at_end "mkdir $dir/to && cp $dir/old $dir/to/file"
	("ask_$kind" </dev/null >/dev/null 2>"$dir/err") &
	asked=$!
	random 6 # hundredths of a second
	shoot "0.0$number"
	wait $asked
	code=$?
	is_right || fail "code $code: $(tail -n 1 "$dir/err")"
	case $(sum_at_end) in
	"$old" | "$new") ;;
	*) fail "a file that is neither the old nor the new one" ;;
	esac
	left=$(at_end "ls -A $dir/to; rm -r $dir/to")
	[ "$left" = file ] || fail "left behind: $(echo $left)"
	vmtool exec "$target" -- sh -c 'exit 42' </dev/null
	[ $? = 42 ] || fail "the agent does not serve"
}

echo old >"$dir/old"
head -c 20000000 /dev/urandom >"$dir/new"
old=$(sum "$dir/old") new=$(sum "$dir/new")
if [ "$agent" = 1 ]; then
	there "mkdir -p $dir"
	vmtool cp -q "$dir/old" "$dir/new" "$target:$dir/"
fi
there true
before=$(agent_descriptors)

round=0
while [ $round -lt "$rounds" ]; do
	round=$((round + 1))
	random 5
	kind=$(echo command terminal in out name | cut -d' ' -f$((number + 1)))
	one_round
done
for _ in $(seq 500); do are_as_before && break; sleep 0.01; done
are_as_before || fail "$before descriptors have become $(agent_descriptors)"
[ $shots -gt $((rounds / 8)) ] || fail "only $shots were hit"
echo "shots: $rounds rounds, $shots shots, $failures failures, SEED=$first_seed"
[ $failures = 0 ]
