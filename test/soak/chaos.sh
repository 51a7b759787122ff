# chaos.sh ROUNDS SEED - SIGKILL of tool, agent, vmm or several of them, in every act of a VM's life; in the lab.
#
# The moment is a named stage, read from what `start` tells as it goes, or any other. The next command must
# see the truth of what is there, a VM that stood before must have kept all it had and start again, and
# after `rm -f` nothing may be left: no process, socket, lock, mount or file. Exits 1 when a round failed.
. /lab/in/host.sh
. /lab/in/random.sh
. /lab/in/truth.sh

rounds=$1 seed=$2
failures=0
guest="--kernel /lab/vmlinux --initrd /lab/initrd --memory 64M"

# pick WORD...: one of them, in $picked.
pick() {
	random $#
	shift "$number"
	picked=$1
}

fail() {
	failures=$((failures + 1))
	echo "round $round ($what): $1"
	sed 's/^/    | /' /tmp/out /tmp/story 2>/dev/null | tail -n 12
	vmtool ls 2>&1 | sed 's/^/    ls: /'
	tail -n 3 "$VMTOOL_HOME/vms/web/events.jsonl" 2>/dev/null | cut -c 1-300 | sed 's/^/    event: /'
	tail -n 3 "$VMTOOL_HOME/vms/web/agent.log" 2>/dev/null | sed 's/^/    agent: /'
}

# --- what is killed ---

# $victims, as far as they are there; $tool is the word at work, which is waited for.
strike() {
	prey=
	for one in $victims; do
		case $one in
		tool) prey="$prey $tool" ;;
		*) prey="$prey $(processes "$one" | xargs)" ;;
		esac
	done
	[ -z "${prey# }" ] || kill -9 $prey 2>/dev/null
}

pause_for() { usleep "$1"000; }

# The word in the background, so that $! is vmtool itself and not a shell.
begin() {
	rm -f /tmp/pipe
	mkfifo /tmp/pipe
	vmtool "$@" >/tmp/said 2>/tmp/pipe &
	tool=$!
	exec 3</tmp/pipe
}
tool_ended() { [ ! -e "/proc/$tool" ] || grep -q ') Z' "/proc/$tool/stat"; }
over() {
	cat <&3 >>/tmp/story &
	reader=$!
	exec 3<&-
	within 120 tool_ended || { fail "the word does not end"; kill -9 "$tool"; }
	wait "$tool" 2>/dev/null
	wait "$reader"
}

# until_told WORD: reads what the word tells until it has said that.
until_told() {
	while read -r line <&3; do
		echo "$line" >>/tmp/story
		case $line in *"$1"*) return ;; esac
	done
}

# --- acts ---

act_stage() {	# killed as soon as a stage of the start is told
	pick prepare vmm kernel 'guest mounts' 'guest ' exec ready
	what="$what after $picked"
	begin start --timeout 300s web $guest
	until_told "$picked"
	strike
	over
}
act_start() {	# at any moment of it
	random 250
	what="$what at $number ms"
	begin start --timeout 300s web $guest
	pause_for "$number"
	strike
	over
}
ready_vm() { vmtool start -q --timeout 300s web $guest >/tmp/out 2>&1 || fail "it was not started"; }
word_on_ready() { # MS WORD [ARG]...: that word at work on a VM that is ready
	ready_vm
	random "$1"
	shift
	what="$what $1 at $number ms"
	begin "$@"
	pause_for "$number"
	strike
	over
}
act_stop() { word_on_ready 150 stop web; }
act_restart() { word_on_ready 300 restart web; }
act_kill() { word_on_ready 60 kill web; }
act_pause() { word_on_ready 60 pause web; vmtool resume web >/tmp/out 2>&1 || ! state_is web paused || fail "it is not resumed"; }
act_exec() { word_on_ready 300 exec web -- sh -c 'sleep 0.1; echo x'; }
act_rm() { word_on_ready 100 rm -f web; }
act_reboot() {	# the guest's own, in place
	ready_vm
	vmtool exec web -- reboot -f >/dev/null 2>&1
	tool=
	random 250
	what="$what at $number ms"
	pause_for "$number"
	strike
}
act_run() {	# a VM that is its starter's
	random 700
	what="$what at $number ms"
	begin run --name web --timeout 300s $guest -- sh -c 'sleep 0.3; exit 7'
	pause_for "$number"
	strike
	over
}

# --- what must be so afterwards ---

check_truth() {
	vmtool ls >/tmp/out 2>&1 || fail "ls: $(tail -n 1 /tmp/out)"
	within 60 all_agree web || fail "$untrue"
	! exists web || numbered web || fail "its events are not in one numbering"
}
# One that stood before the round is what it was, and starts.
check_kept() {
	exists web || { fail "the VM is lost"; return; }
	cmp -s /tmp/vm.ini "$VMTOOL_HOME/vms/web/vm.ini" || fail "vm.ini is another"
	[ "$(readlink "$VMTOOL_HOME/vms/web/id")" = "$id" ] || fail "its id is another"
	vmtool start -q --timeout 300s web $guest >/tmp/out 2>&1 || fail "it does not start again: $(tail -n 1 /tmp/out)"
	answers web || fail "started again, exec does not answer"
}

one_round() {
	rm -f /tmp/out /tmp/story
	pick tool agent vmm 'tool agent' 'agent vmm' 'tool agent vmm'
	victims=$picked
	pick stage stage stage start start stop restart kill pause exec rm reboot run
	act=$picked what="$victims, $picked"
	kept=
	case $act in rm | run) ;; *) random 2; [ "$number" = 0 ] || kept=yes ;; esac
	if [ "$kept" ]; then
		vmtool create web $guest >/tmp/out 2>&1 || fail "create: $(tail -n 1 /tmp/out)"
		cp "$VMTOOL_HOME/vms/web/vm.ini" /tmp/vm.ini
		id=$(readlink "$VMTOOL_HOME/vms/web/id")
		what="$what, kept"
	fi
	echo "$round: $what" >/lab/out/round
	"act_$act"
	check_truth
	[ -z "$kept" ] || check_kept
	if exists web; then
		vmtool rm -f web >/tmp/out 2>&1 || ! exists web || fail "rm: $(tail -n 1 /tmp/out)"
	fi
	vmtool prune --yes --older 0s >/dev/null 2>&1
	within 15 nothing_left || fail "left behind: $(left | xargs) $(processes | xargs)"
	rm -f /tmp/out /tmp/story /tmp/vm.ini /tmp/pipe /tmp/seq /tmp/said
	traces >/lab/out/now
	cmp -s /lab/out/now /lab/out/before || { fail "traces:"; diff /lab/out/before /lab/out/now; }
}

first_seed=$seed
mkdir -p "$VMTOOL_HOME" /lab/out
round=0
# What a first VM makes for good, as the folders of the state, is no trace.
vmtool start -q web $guest >/dev/null && vmtool rm -f web && traces >/lab/out/before
while [ "$round" -lt "$rounds" ]; do
	round=$((round + 1))
	one_round
	[ $((round % 10)) -ne 0 ] || echo "  $round rounds, $failures failures"
done
echo "chaos: $rounds rounds, $failures failures, SEED=$first_seed"
[ "$failures" -eq 0 ]
