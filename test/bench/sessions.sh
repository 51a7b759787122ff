# sessions.sh PAIRS MIB NAME... - runs inside the lab; one line a sample: "BENCH SIDE PAIR VALUE".
#
# One guest, with vmtool's servers and OpenSSH's side by side. Ours and the peers' alternate, and
# which goes first alternates too. Pair 0 warms up and is not counted.
set -eu
pairs=$1 mib=$2
shift 2
names=" $* "
bytes=$((mib * 1048576))

busybox tar -xf /lab/in/client.tar -C /
export HOME=/root PATH="$PATH:/usr/bin"
chmod +x /lab/in/gauge /lab/in/crowd
gauge=/lab/in/gauge crowd=/lab/in/crowd

relays=
vmtool start bench --kernel /lab/vmlinux --initrd /lab/in/ssh.initrd --memory 512M >/tmp/start.log 2>&1 ||
	{ cat /tmp/start.log >&2; exit 1; }
sock=$HOME/.local/state/vmtool/run/bench/vsock.sock
vmtool exec bench -- sh -c 'cat >/bin/gauge && chmod 755 /bin/gauge' <$gauge
vmtool exec bench -- sh -c "mkdir -p /run/sshd && /usr/sbin/sshd && (
	gauge give vsock:9000 $bytes & gauge give tcp:9001 $bytes &
	gauge pass vsock:9002 gauge give - $bytes & gauge pass vsock:9003 tcp:9001 &
	gauge drain vsock:9010 & gauge drain tcp:9011 &
	gauge catch vsock:9012 gauge drain - & gauge catch vsock:9013 tcp:9011 &) >/dev/null 2>&1"
vmtool exec bench -- sh -c 'cat >/bin/crowd && chmod 755 /bin/crowd' <$crowd
vmtool exec bench -- sh -c "(crowd serve 9020 & gauge relay vsock:9030 tcp:9020 &
	gauge relay vsock:9031 tcp:9001 & gauge relay vsock:9032 tcp:9011 &) >/dev/null 2>&1 </dev/null"
for server in 9020 9001 9011; do vmtool forward add -q bench $server:$server >/dev/null; done
for end in 9030 9031 9032; do $gauge relay tcp:$end raw:"$sock":$end </dev/null >/dev/null 2>&1 & relays="$relays $!"; done
ssh -M -N -f -o ControlPath=/tmp/master bench.vm

trap 'kill $relays; ssh -O exit -o ControlPath=/tmp/master bench.vm 2>/dev/null; vmtool stop bench >/dev/null 2>&1 || true' EXIT

sample() { # BENCH SIDE PAIR VALUE
	[ "$3" -eq 0 ] || echo "$@"
}

roundtrip() { sample "$1" vmtool "$2" "$($gauge time vmtool exec bench -- true)"; }
ssh_new() { sample exec_roundtrip openssh "$1" "$($gauge time ssh bench.vm true)"; }
ssh_master() { sample exec_roundtrip_master openssh "$1" "$($gauge time ssh -o ControlPath=/tmp/master bench.vm true)"; }
# Each copy as ours, raw and relayed. The same sample of ours is compared with two peers.
twice() { sample "$1" vmtool "$2" "$3"; sample "$1_relayed" vmtool "$2" "$3"; }
exec_copy() { twice exec_throughput "$1" "$(vmtool exec bench -- gauge give - "$bytes" | $gauge take -)"; }
stream_copy() { twice stream_throughput "$1" "$($gauge take stream:"$sock":9001)"; }
exec_relay() { sample exec_throughput_relayed relay "$1" "$($gauge copy raw:"$sock":9002 | $gauge take -)"; }
stream_relay() { sample stream_throughput_relayed relay "$1" "$($gauge take raw:"$sock":9003)"; }
# What processes of the guest have for themselves: process 1 with the session that asks, and sshd's
# with the one of the master.
memory_of() {
	vmtool exec bench -- sh -c "for p in $1; do cat /proc/\$p/smaps_rollup; done" |
		awk '/^Private_Dirty:/ { sum += $2 } END { print sum }'
}
memory() {
	sample agent_memory vmtool "$1" "$(memory_of 1)"
	sample agent_memory openssh "$1" "$(memory_of '$(pidof sshd)')"
}
raw_copy() { sample "$1" raw "$2" "$($gauge take raw:"$sock":9000)"; }
exec_input_copy() { twice exec_input_throughput "$1" "$($gauge pour "$bytes" vmtool exec bench -- gauge drain -)"; }
stream_input_copy() { twice stream_input_throughput "$1" "$($gauge pour "$bytes" stream:"$sock":9011)"; }
exec_input_relay() { sample exec_input_throughput_relayed relay "$1" "$($gauge pour "$bytes" $gauge put raw:"$sock":9012)"; }
stream_input_relay() { sample stream_input_throughput_relayed relay "$1" "$($gauge pour "$bytes" raw:"$sock":9013)"; }
# Ours and the relays lead to the same servers of the guest: 9020, 9001 and 9011.
forward_trip() { sample forward_roundtrip vmtool "$1" "$($crowd time 9020 100)"; }
relays_trip() { sample forward_roundtrip relay "$1" "$($crowd time 9030 100)"; }
forward_copy() { sample forward_throughput vmtool "$1" "$($gauge take tcp:9001)"; }
relays_copy() { sample forward_throughput relay "$1" "$($gauge take tcp:9031)"; }
forward_input() { sample forward_input_throughput vmtool "$1" "$($gauge pour "$bytes" tcp:9011)"; }
relays_input() { sample forward_input_throughput relay "$1" "$($gauge pour "$bytes" tcp:9032)"; }
raw_input_copy() { sample "$1" raw "$2" "$($gauge pour "$bytes" raw:"$sock":9010)"; }

# is_asked NAME...: one of them was.
is_asked() {
	for name; do case $names in *" $name "*) return 0 ;; esac; done
	return 1
}

# What belongs together, and in which order it goes round: STEP[:ARGUMENT], the pair is added.
order=""
is_asked exec_roundtrip && order="$order roundtrip:exec_roundtrip ssh_new"
is_asked exec_roundtrip_master && order="$order roundtrip:exec_roundtrip_master ssh_master"
for copy in exec exec_input stream stream_input; do
	raw=raw_copy
	case $copy in *_input) raw=raw_input_copy ;; esac
	is_asked ${copy}_throughput ${copy}_throughput_relayed &&
		order="$order ${copy}_copy $raw:${copy}_throughput ${copy}_relay"
done
is_asked forward_roundtrip && order="$order forward_trip relays_trip"
is_asked forward_throughput && order="$order forward_copy relays_copy"
is_asked forward_input_throughput && order="$order forward_input relays_input"
is_asked agent_memory && order="$order memory"
backwards=""
for step in $order; do backwards="$step $backwards"; done

pair=0
while [ "$pair" -le "$pairs" ]; do
	[ $((pair % 2)) = 0 ] && steps=$order || steps=$backwards
	for step in $steps; do
		case $step in
		*:*) ${step%:*} ${step#*:} $pair ;;
		*) $step $pair ;;
		esac
	done
	pair=$((pair + 1))
done
