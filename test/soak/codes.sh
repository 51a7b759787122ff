# codes.sh ROUNDS SEED - no status is lost, none is another's: ROUNDS commands that end in 320 ways, in 64
# loops at once, while 1000 orphans in a burst are reaped beside them; then ROUNDS times false, one
# after another. Exits 1 when one had another status, or when somebody was not reaped.
#
# In the lab over vsock with a VM; outside with a guest agent: sh test/soak/codes.sh 10000 1
rounds=$1 seed=$2
loops=64
[ "$rounds" -ge $loops ] || loops=$rounds
orphans=$((rounds < 1000 ? rounds : 1000))
in=/lab/in
[ -d $in ] || in=test/both
. $in/target.sh
dir=$(mktemp -d)
trap 'target_end; rm -rf "$dir"' EXIT

fail() { echo "codes: $*" >>"$dir/wrong"; }

# ends HOW LOOP: a command that ends so: below 256 with that code, from 256 on by signal HOW - 255, or by 9
# in place of those that only stop it or do nothing (17 to 23, 28), and of 3, which busybox's shell ignores.
ends() {
	how=$1 said=$dir/said.$2 signal=$(($1 - 255))
	case $signal in
	3 | 17 | 18 | 19 | 20 | 21 | 22 | 23 | 28) signal=9 ;;
	esac
	if [ "$how" -lt 256 ]; then
		want=$how script="exit $how"
	else
		want=$((128 + signal)) script="kill -$signal \$\$; sleep 20"
	fi
	vmtool exec "$target" -- sh -c "$script" </dev/null 2>"$said"
	code=$?
}

# Every way as often as every other, each loop beginning elsewhere.
one_loop() {
	n=$1
	while [ "$n" -lt "$rounds" ]; do
		ends $(((n * 7 + seed) % 320)) "$1"
		[ $code = $want ] && [ ! -s "$said" ] || fail "$want became $code: $(cat "$said")"
		echo done >>"$dir/done.$1"
		n=$((n + loops))
	done
}

loop=0
while [ $loop -lt $loops ]; do
	one_loop $loop &
	running="$running $!"
	loop=$((loop + 1))
done
# Nobody waits for them: their parent is gone at once, and process 1 has them.
vmtool exec "$target" -- sh -c 'i=0; while [ $i -lt $1 ]; do (sleep 0.1 &); i=$((i + 1)); done >/dev/null 2>&1; exit 33' \
	sh "$orphans" </dev/null
code=$?
[ $code = 33 ] || fail "who left $orphans orphans: 33 became $code"
# shellcheck disable=SC2086 # one argument each
wait $running

i=0 falses=$((rounds < 1000 ? rounds / 4 : rounds))
while [ $i -lt $falses ]; do
	vmtool exec "$target" -- false </dev/null
	code=$?
	[ $code = 1 ] || fail "false became $code"
	i=$((i + 1))
done

nobody_is_left() { [ -z "$(agent_children)" ]; }
within 20 nobody_is_left || fail "not reaped: $(agent_children | head -n 3)"
came=$(cat "$dir"/done.* | wc -l)
[ "$came" = "$rounds" ] || fail "only $came of $rounds"
touch "$dir/wrong"
head -n 20 "$dir/wrong"
failures=$(wc -l <"$dir/wrong")
echo "codes: $rounds in $loops loops, $falses times false, $orphans orphans, $failures failures, SEED=$seed"
[ "$failures" -eq 0 ]
