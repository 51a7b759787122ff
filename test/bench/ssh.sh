# ssh.sh PAIRS VMTOOL HERALD NAME... - the benches of ssh, on this machine; one line a sample: "BENCH SIDE PAIR VALUE".
#
# probe_delay: from a server's appearance, at some moment, to the end of what has waited for it, in milliseconds:
# `ssh-probe --wait` and a loop that looks every 200 ms; of a port where nobody listens before, and (_closed) of
# one where somebody accepts and hangs up, as forwards do. probe_wait_cpu: what either uses of a CPU while nobody
# comes, in microseconds of a second (WAIT_S=10 seconds long). known_hosts_...: one host of 100 000 in a file,
# checked, pinned anew, and found where the names are hashed, against `ssh-keygen -F` on the same file, which only
# finds; in milliseconds. Ours and the peer's alternate, and which goes first alternates too; pair 0 warms up.
set -eu
pairs=$1 vmtool=$2 herald=$3
shift 3
names=" $* "
wait_s=${WAIT_S:-10}
lines=100000

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
export VMTOOL_HOME=$dir/home
file=$VMTOOL_HOME/ssh/known_hosts

sample() { # BENCH SIDE PAIR VALUE
	[ "$3" -eq 0 ] || echo "$@"
}

# Another moment for each pair.
moment() { echo $((100 + $1 * 617 % 900)); }
# What people write: bash connects by itself, so that no process begins in vain.
poll='until { exec 3<>/dev/tcp/127.0.0.1/PORT && read -r -t 1 -u 3 line && [[ $line == SSH-* ]]; } 2>/dev/null; do sleep 0.2; done'

delay() { # BENCH HOW SIDE PAIR
	case $3 in
	vmtool) set -- "$@" "$vmtool" ssh-probe --wait -q 127.0.0.1:PORT ;;
	poll) set -- "$@" bash -c "$poll" ;;
	esac
	bench=$1 how=$2 side=$3 pair=$4
	shift 4
	sample "$bench" "$side" "$pair" "$("$herald" "$(moment "$pair")" "$how" "$@")"
}

# It is ended when its time is up, and its children with it.
cpu() { # SIDE PAIR
	case $1 in
	vmtool) set -- "$@" "$vmtool" ssh-probe --wait --timeout 1h -q 127.0.0.1:1 ;;
	poll) set -- "$@" bash -c "${poll/PORT/1}" ;;
	esac
	side=$1 pair=$2
	shift 2
	sample probe_wait_cpu "$side" "$pair" "$(perl -e '
		my $seconds = shift;
		my $pid = fork // die;
		if (!$pid) { exec @ARGV or die }
		sleep $seconds;
		kill TERM => $pid;
		waitpid $pid, 0;
		my (undef, undef, $user, $system) = times;
		printf "%.0f\n", ($user + $system) * 1e6 / $seconds;
	' "$wait_s" "$@")"
}

ms() { # COMMAND...
	perl -MTime::HiRes=time -e 'my $t = time; system(@ARGV) == 0 or exit 1; printf "%.3f\n", (time - $t) * 1e3' "$@"
}

# One in the middle of the file, another for each pair.
host_of() { echo "host$((lines / 2 + $1 * 7)).example"; }
check() { sample "$1" vmtool "$2" "$(ms "$vmtool" known-hosts check --key "$dir/key.pub" "$(host_of "$2")")"; }
pin() { sample "$1" vmtool "$2" "$(ms "$vmtool" known-hosts pin --key "$dir/key.pub" "new$2.example")"; }
find_by_ssh() { sample "$1" ssh_keygen "$2" "$(ms sh -c 'ssh-keygen -F "$1" -f "$2" >/dev/null' sh "$(host_of "$2")" "$file")"; }

make_file() {
	mkdir -p "$VMTOOL_HOME/ssh"
	chmod 700 "$VMTOOL_HOME/ssh"
	awk -v n=$lines -v key="$(cut -d' ' -f1,2 "$dir/key.pub")" 'BEGIN { for (i = 0; i < n; i++) print "host" i ".example " key }' >"$file"
	chmod 600 "$file"
}

is_asked() { # NAME...
	for name; do case $names in *" $name "*) return 0 ;; esac; done
	return 1
}

# turn BENCH OURS THEIRS PAIR: both, in the order of the pair. OURS and THEIRS are commands; the pair is added.
turn() {
	is_asked "$1" || return 0
	if [ $(($4 % 2)) = 0 ]; then $2 "$4"; $3 "$4"; else $3 "$4"; $2 "$4"; fi
}

ssh-keygen -q -t ed25519 -N '' -C '' -f "$dir/key"
each_pair() { # STEP
	for pair in $(seq 0 "$pairs"); do "$1" "$pair"; done
}
waits() {
	turn probe_delay "delay probe_delay refuses vmtool" "delay probe_delay refuses poll" "$1"
	turn probe_delay_closed "delay probe_delay_closed closes vmtool" "delay probe_delay_closed closes poll" "$1"
	turn probe_wait_cpu "cpu vmtool" "cpu poll" "$1"
}
readable() {
	turn known_hosts_check "check known_hosts_check" "find_by_ssh known_hosts_check" "$1"
	turn known_hosts_pin "pin known_hosts_pin" "find_by_ssh known_hosts_pin" "$1"
}
hashed() { turn known_hosts_hashed "check known_hosts_hashed" "find_by_ssh known_hosts_hashed" "$1"; }

each_pair waits
! is_asked known_hosts_check known_hosts_pin known_hosts_hashed || make_file
each_pair readable
if is_asked known_hosts_hashed; then
	"$vmtool" known-hosts hash 2>/dev/null
	each_pair hashed
fi
