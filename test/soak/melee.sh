# melee.sh ROUNDS SEED - sixteen words at once for three VMs, and every other round kills among them; in the lab.
#
# Each word starts, stops, removes, restarts or ends one VM or two of them. Whatever they make of it: every word ends, and
# what one says was in its way is a sentence; what is shown is there, and nothing besides; each VM starts then, and `rm -f` leaves nothing.
. /lab/in/host.sh
. /lab/in/random.sh
. /lab/in/truth.sh

rounds=$1 seed=$2
failures=0
guest="--kernel /lab/vmlinux --initrd /lab/initrd --memory 48M"
all="a b c"

fail() {
	failures=$((failures + 1))
	echo "round $round: $1"
	[ -d /tmp/m ] && for i in $words; do
		echo "    $(cat "/tmp/m/word.$i") -> $(cat "/tmp/m/code.$i" 2>/dev/null || echo "does not end")"
		sed 's/^/      | /' "/tmp/m/err.$i"
	done
	vmtool ls 2>&1 | sed 's/^/    ls: /'
}

pick() { # WORD...: one of them, in $picked
	random $#
	shift "$number"
	picked=$1
}

one_word() { # I: in the background, once the gate opens
	pick 'start -q --timeout 300s' 'start -q --timeout 300s' 'start -q --timeout 300s' stop stop rm 'rm -f' 'restart -q --timeout 300s' kill
	word=$picked options=
	case $word in start*) options=$guest ;; esac
	pick a b c 'a b' 'b c' 'c a'
	echo "$word $picked" >"/tmp/m/word.$1"
	# The file is opened by the shell: what it waits for is the gate.
	(: </tmp/m/gate; vmtool $word $picked $options >/dev/null 2>"/tmp/m/err.$1"; echo $? >"/tmp/m/code.$1") &
}
all_ended() { [ "$(ls /tmp/m/code.* 2>/dev/null | wc -l)" = 16 ]; }

# Of any of vmtool's processes: words, agents, vmms.
strike() {
	random 300
	usleep "${number}000"
	set -- $(processes agent) $(processes vmm) $(pidof vmtool)
	[ $# -gt 0 ] || return
	pick "$@"
	kill -9 "$picked" 2>/dev/null
}

# What may be in a word's way where nobody is killed.
stopped='it was stopped while it was starting'
sane="^[abc]: (is already running, and ready|is not running \((created|stopped)\))\$|^  (try|see): "
sane="$sane|: [abc]: (there is no VM of this name|has just been removed|was removed while it was starting|is (running|starting|stopping))\$"
sane="$sane|: [abc]: (the start that was under way failed: )?$stopped\$|: [abc]: the start that was under way failed\$|: [abc]: is not running \((created|stopped)\)\$"

one_round() {
	kills=$((round % 2 ? 0 : 4))
	rm -rf /tmp/m
	mkdir /tmp/m
	mkfifo /tmp/m/gate
	for i in $words; do one_word "$i"; done
	exec 4>/tmp/m/gate
	for i in $(seq $kills); do strike; done
	within 300 all_ended || fail "a word does not end"
	exec 4>&-
	wait
	for i in $words; do
		case $(cat "/tmp/m/code.$i")/$kills in
		0/* | 1/* | 137/4) ;;
		*) fail "exit code $(cat "/tmp/m/code.$i")" ;;
		esac
	done
	[ $kills -gt 0 ] || ! cat /tmp/m/err.* | grep -vE "$sane" || fail "that is not what may be in its way"
	vmtool ls >/tmp/out 2>&1 || fail "ls: $(tail -n 1 /tmp/out)"
	within 60 all_agree $all || fail "$untrue"
	for vm in $all; do ! exists $vm || numbered $vm || fail "$vm: its events are not in one numbering"; done
	vmtool start -q --timeout 300s $all $guest >/tmp/out 2>&1 || fail "they do not start: $(cat /tmp/out)"
	vmtool rm -f $all >/tmp/out 2>&1 || fail "rm: $(tail -n 1 /tmp/out)"
	vmtool prune --yes --older 0s >/dev/null 2>&1
	within 15 nothing_left || fail "left behind: $(left | xargs) $(processes | xargs)"
	rm -rf /tmp/m /tmp/out /tmp/seq
	traces >/lab/out/now
	cmp -s /lab/out/now /lab/out/before || { fail "traces:"; diff /lab/out/before /lab/out/now; }
}

first_seed=$seed
words=$(seq 16)
mkdir -p "$VMTOOL_HOME" /lab/out
round=0
rm -rf /tmp/m /tmp/out /tmp/seq # another soak's
vmtool start -q a $guest >/dev/null && vmtool rm -f a && traces >/lab/out/before
while [ "$round" -lt "$rounds" ]; do
	round=$((round + 1))
	one_round
	[ $((round % 10)) -ne 0 ] || echo "  $round rounds, $failures failures"
done
echo "melee: $rounds rounds, $failures failures, SEED=$first_seed"
[ "$failures" -eq 0 ]
