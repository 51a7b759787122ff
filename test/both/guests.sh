# guests.sh: programs instead of a kernel try the machine, each a side of it (test/guests/bare), in the lab
# (test/vm/guests.t) and on whatever /dev/kvm is here (test/cli/guests.t). With $programs, where they lie.

bare() {	# PROGRAM OPTION...: becomes a machine that runs it
	program=$1
	shift
	exec vmtool vmm --kvm any --kernel "$programs/$program" --plain "$@" </dev/null
}

# What a program says of each thing it tried is a test here.
tells() {	# PROGRAM OPTION...
	run in_shell bare "$@" --reboot end
	printf '%s\n' "$out" | tr -d '\r' >"$tap_dir/said"
	tried=$(echo "$*" | sed "s#$tap_dir/##g")
	while read -r word rest; do
		case $word in
		ok) pass "$tried: ${rest#- }" ;;
		not) fail "$tried: ${rest#ok - }" ;;
		'#') diag "$rest" ;;
		esac
	done <"$tap_dir/said"
	is "$rc/$(tail -n 1 "$tap_dir/said")/$err" "0/done/" "$tried: powers off when all is done"
}

tells exits
tells interrupts
tells timers
for cpus in 1 2 3 8 32; do
	tells smp --cpus $cpus --append cpus=$cpus
done
# To the hole under 4 GiB and across it. What is not touched costs nothing, but no VM may have more than its host.
most=5120
[ "$(awk '/^MemTotal:/ { print $2 }' /proc/meminfo)" -gt $((most * 1024)) ] || most=3840
for mib in 64 3072 3073 $most; do
	tells memory --memory ${mib}M --append mib=$mib
done
tells hostile
tells rings
for aio in threads io_uring; do
	dd if=/dev/zero of="$tap_dir/disk" bs=1024 count=64 2>/dev/null
	run in_shell bare ends --append s5 --disk "$tap_dir/disk,aio=$aio"
	case $err in
	*"this host's kernel gives none"*)
		skip "this host's kernel gives no io_uring" "disk, aio=$aio"
		continue
		;;
	esac
	tells disk --disk "$tap_dir/disk,aio=$aio"
	is "$(od -An -v -t u1 "$tap_dir/disk" | tr -s ' ' '\n' | sort -n | uniq -c | awk 'NF == 2 && $2 > 0 && $2 <= 64 && $1 == 512' | wc -l)" 64 \
		"disk, aio=$aio: all of it is in the file"
done

# --- how it ends ---

run in_shell bare ends --append s5
is "$rc/$err" "0/" "sleep S5 ends it well"
run in_shell bare ends --append panic
is "$rc" 1 "a panic is a failure"
like "$err" "the machine ended: panic" "and called one"

ups() { [ "$(grep -c up "$tap_dir/ups")" -ge "$1" ]; }
for kind in reset keyboard cf9 bios triple; do
	bare ends --append $kind >"$tap_dir/ups" 2>"$tap_dir/err" &
	machine=$!
	ok "$kind: it begins again" within 20 ups 2
	kill -TERM $machine
	wait $machine
	is "$?/$(cat "$tap_dir/err")" "143/" "$kind: and a signal ends it"
	run in_shell bare ends --append $kind --reboot end
	is "$rc/$(printf '%s\n' "$out" | grep -c up)" "0/1" "$kind: or that is its end"
done

# A processor that sleeps for ever is no end: nobody can see it. It costs nothing.
bare ends --append halt >"$tap_dir/ups" 2>"$tap_dir/err" &
machine=$!
ok "one that halts" within 20 ups 1
used() { awk '{ print $14 + $15 }' "/proc/$1/stat"; }
child=$(children "$machine" | head -n 1)
before=$(used "$child")
sleep 2
is "$(($(used "$child") - before))" 0 "uses no time of the host's"
kill -TERM $machine
wait $machine
is "$?" 143 "until it is ended"

# --- and lets go of ---

# What is under way with an io_uring the host's kernel ends in its own time, also that of a process that is no more.
dd if=/dev/zero of="$tap_dir/disk" bs=1024 count=64 2>/dev/null
on_disk() { bare "$@" --disk "$tap_dir/disk"; }
again_and_again() {
	for _ in 1 2 3 4 5 6 7 8; do
		run in_shell on_disk ends --append s5
		[ "$rc/$err" = 0/ ] || return 1
	done
}
killed_each_time() {
	for _ in 1 2 3 4 5 6 7 8; do
		on_disk ends --append halt >"$tap_dir/ups" 2>"$tap_dir/err" &
		machine=$!
		within 20 ups 1 || { diag "$(cat "$tap_dir/err")"; return 1; }
		kill -KILL $machine
		wait $machine
	done 2>/dev/null
	again_and_again
}
ok "a disk is free for the next one when its machine has ended" again_and_again
ok "and soon when it was killed" killed_each_time
