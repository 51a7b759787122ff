# peers.sh: peers nobody wishes for, on each of a guest's ports: who they are beside is served, and
# nothing of them stays. Sourced, behind lib.sh, by cli/peers.t and vm/peers.t.
. "${target_sh:?}"
trap 'target_end; rm -rf "$tap_dir"' EXIT

serves() { # NAME: a command, a copy and a stream go as ever
	run vmtool exec "$target" -- sh -c 'echo "$1"; exit 42' sh "$1"
	is "$rc/$out" "42/$1" "$1: commands are served"
	run vmtool cp -q "$target:$there_dir/known" -
	is "$rc/$(tar x -O known <"$tap_dir/out" 2>&1)" "0/known" "$1: so are copies"
	run vmtool ssh-proxy -p 9 "$target" </dev/null
	like "$err" "Connection refused" "$1: and streams"
}

there_dir=$(there 'mktemp -d')
there "echo known >$there_dir/known"
serves "before all"
before=$(agent_descriptors)

# --- half-sent requests: each beginning of what each word really sends ---

# what PORT WORD...: the first bytes the word says to that port, in hex.
what() {
	"$peer" heard "unix:$tap_dir/ear" 0 >"$tap_dir/request" 2>&1 &
	ear=$!
	within 20 listens "$tap_dir/ear"
	"$@" </dev/null >/dev/null 2>&1 &
	word=$!
	wait $ear
	kill $word 2>/dev/null
	wait $word 2>/dev/null
	rm "$tap_dir/ear"
	tail -n 1 "$tap_dir/request"
}
cut_short() { # PORT HEX WHAT
	run timeout 60 "$peer" cut "$(port "$1")" "$2"
	is "$rc/$out" "0/cut $((${#2} / 2))" "$3, cut short at each byte: nobody waits for the rest"
	ok "$3: it was one" [ ${#2} -gt 20 ]
}
ear=unix:$tap_dir/ear
cut_short 4089 "$(what vmtool exec "$ear" -- touch "$there_dir/made")" "a command"
cut_short 4090 "$(what vmtool exec -t "$ear" -- touch "$there_dir/made")" "a command with a terminal"
cut_short 4088 "$(what vmtool cp -q /dev/null "$ear:$there_dir/made")" "a copy"
cut_short 4088 "$(what vmtool fs mkdir "$ear:$there_dir/made")" "a folder to make"
cut_short 4093 "$(what vmtool ssh-proxy -p 9 "$ear")" "a stream"
is "$(there "ls -A $there_dir")" known "and none of it was done"
serves "after half requests"

# --- bytes that are none of ours ---

for n in 4088 4089 4090 4093; do
	for seed in 1 2 3 4 5 6 7 8; do
		timeout 60 "$peer" noise "$(port $n)" $seed >"$tap_dir/noise" 2>&1 || echo "port $n, seed $seed: $?, $(cat "$tap_dir/noise")"
	done
done >"$tap_dir/wrong"
is "$(cat "$tap_dir/wrong")" "" "noise on each port comes to an end"
serves "after noise"

# --- peers that fall silent in the middle of a frame ---

for n in 4088 4089 4090 4093; do
	"$peer" stuck "$(port $n)" 10 >"$tap_dir/stuck.$n" 2>&1 &
	stuck="$stuck $!"
	within 20 grep -q stuck "$tap_dir/stuck.$n"
done
serves "beside forty that are stuck"
# shellcheck disable=SC2086 # one argument each
{ kill $stuck; wait $stuck; } 2>/dev/null

# --- readers that do not read ---

head -c 3000000 /dev/urandom >"$tap_dir/much"
vmtool cp -q "$tap_dir/much" "$target:$there_dir/much"
sum=$(md5sum <"$tap_dir/much")
sleeper() { # NAME COMMAND...: its output is read only when the file `awake` is there
	mkfifo "$tap_dir/gate.$1"
	(shift; "$@" </dev/null) 2>"$tap_dir/sleeper.err" | { read -r _ <"$tap_dir/gate.$1"; md5sum >"$tap_dir/sum.$1"; } &
	sleepers="$sleepers $!"
}
sleeper pipes vmtool exec "$target" -- cat "$there_dir/much"
sleeper terminal vmtool exec -t "$target" -- sh -c "stty raw; cat $there_dir/much"
sleeper copy sh -c "vmtool cp -q $target:$there_dir/much - | tar x -O"
# Ten seconds, where they cost nothing.
[ ! -d /lab/in ] || sleep 10
serves "beside three that do not read"
for who in pipes terminal copy; do
	echo now >"$tap_dir/gate.$who"
done
# shellcheck disable=SC2086 # one argument each
wait $sleepers
for who in pipes terminal copy; do
	is "$(cat "$tap_dir/sum.$who")" "$sum" "$who: a reader that slept has every byte"
done

there "rm -r $there_dir"
are_as_before() { [ "$(agent_descriptors)" -le "$before" ]; }
ok "no descriptor is left of any of them" within 20 are_as_before
nobody_is_left() { [ -z "$(agent_children)" ]; }
ok "and no process" within 20 nobody_is_left
