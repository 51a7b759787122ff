# statuses: no exit status is lost or another's over vsock, whatever else happens, and starting commands
# costs nobody anything that stays. Short slices of soak codes and starts; commands against a shutdown.
# with: test/vm/host.sh test/both/target.sh test/both/memory.sh test/soak/codes.sh test/soak/starts.sh
. /lab/in/lib.sh
. /lab/in/target.sh # one VM for all of it
trap 'target_end; rm -rf "$tap_dir"' EXIT

run sh /lab/in/codes.sh 64 7
is "$rc" 0 "64 loops at once and as many orphans: exact statuses"
diag "$out"
run sh /lab/in/starts.sh 32 7
is "$rc" 0 "32 starts cost neither side a descriptor, or memory"
diag "$out"

# --- memory; commands against a shutdown ---

. /lab/in/memory.sh
# It withstands TERM, so that the shutdown lasts as long as its grace.
vmtool exec web -- sh -c 'trap "" TERM; echo here; while :; do sleep 0.1; done' >"$tap_dir/stubborn" 2>&1 &
stubborn=$!
within 10 grep -q here "$tap_dir/stubborn"

# What a command may come to, in a word: its own status; refused by the host, that stops the VM, or by the guest,
# that powers off; lost with the machine, as a sentence says; or ended by the shutdown's signals. Never success
# that was none, and never nothing.
come_to() { # TARGET NUMBER: $came
	code=$(($2 % 100 + 1)) said=$tap_dir/said.$2 got=0
	timeout 60 vmtool exec "$1" -- sh -c "sleep 0.0$(($2 % 10)); exit $code" </dev/null 2>"$said" || got=$?
	came="command $2: $got, not $code: $(cat "$said")"
	case $got,$(cat "$said") in
	"$code,") came=own ;;
	137, | 143,) came=ended ;;
	125,*"powering off"*) came=refused ;;
	125,*"is stopping"*) came=stopping ;;
	125,?*) came=lost ;;
	esac
}
ask_on() { # TARGET FROM: every fourth, until there is nobody to ask
	n=$2 came=
	while [ "$came" != lost ] && [ $n -lt 4000 ]; do
		come_to "$1" $n
		echo "$came" >>"$tap_dir/came"
		n=$((n + 4))
		# Who was told no needs no hundreds of it, for as long as a guest waits for a command that withstands.
		case $came in refused | stopping) usleep 200000 ;; esac
	done
}
# By its socket nobody on the host is in the know.
ask_on web 1 &
asking=$!
for loop in 2 3 4; do
	ask_on "unix:$target_sock" $loop &
	asking="$asking $!"
done
within 20 grep -q own "$tap_dir/came"
vmtool stop web >"$tap_dir/stop" 2>&1
like "$(cat "$tap_dir/stop")" "disks synced (rung guest)" "a VM that is asked for commands all the time stops in order"
# shellcheck disable=SC2086 # one argument each
wait $asking
wait $stubborn
is "$?" 137 "the command that withstood it hears how it was ended"
is "$(grep -v -x 'own\|refused\|stopping\|ended\|lost' "$tap_dir/came")" "" "every other one got its status, or was told why not"
ok "some their own" grep -q -x own "$tap_dir/came"
ok "some that the VM is being stopped" grep -q -x stopping "$tap_dir/came"
ok "and some that the guest is powering off" grep -q -x refused "$tap_dir/came"
diag "$(sort "$tap_dir/came" | uniq -c | xargs)"
done_testing
