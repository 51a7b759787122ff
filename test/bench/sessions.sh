# sessions.sh PAIRS MIB - runs inside the lab; one line a sample: "BENCH SIDE PAIR VALUE".
#
# One guest, with vmtool's servers and OpenSSH's side by side. Ours and the peer's alternate, and
# which goes first alternates too. Pair 0 warms up and is not counted.
set -eu
pairs=$1 mib=$2
bytes=$((mib * 1048576))

busybox tar -xf /lab/in/client.tar -C /
export HOME=/root PATH="$PATH:/usr/bin"
chmod +x /lab/in/gauge
gauge=/lab/in/gauge

vmtool start bench --kernel /lab/vmlinux --initrd /lab/in/ssh.initrd --memory 512M >/tmp/start.log 2>&1 ||
	{ cat /tmp/start.log >&2; exit 1; }
sock=$HOME/.local/state/vmtool/run/bench/vsock.sock
vmtool exec bench -- sh -c 'cat >/bin/gauge && chmod 755 /bin/gauge' <$gauge
vmtool exec bench -- sh -c "mkdir -p /run/sshd && /usr/sbin/sshd && (gauge give vsock:9000 $bytes & gauge give tcp:9001 $bytes & gauge pass vsock:9002 gauge give - $bytes & gauge pass vsock:9003 tcp:9001 &) >/dev/null 2>&1"
ssh -M -N -f -o ControlPath=/tmp/master bench.vm

trap 'ssh -O exit -o ControlPath=/tmp/master bench.vm 2>/dev/null; vmtool stop bench >/dev/null 2>&1 || true' EXIT

sample() { # BENCH SIDE PAIR VALUE
	[ "$3" -eq 0 ] || echo "$@"
}

roundtrip() { sample "$1" vmtool "$2" "$($gauge time vmtool exec bench -- true)"; }
ssh_new() { sample exec_roundtrip openssh "$1" "$($gauge time ssh bench.vm true)"; }
ssh_master() { sample exec_roundtrip_master openssh "$1" "$($gauge time ssh -o ControlPath=/tmp/master bench.vm true)"; }
# The same sample is compared with two peers.
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

pair=0
while [ "$pair" -le "$pairs" ]; do
	if [ $((pair % 2)) = 0 ]; then
		roundtrip exec_roundtrip $pair; ssh_new $pair
		roundtrip exec_roundtrip_master $pair; ssh_master $pair
		exec_copy $pair; raw_copy exec_throughput $pair; exec_relay $pair
		stream_copy $pair; raw_copy stream_throughput $pair; stream_relay $pair
	else
		ssh_new $pair; roundtrip exec_roundtrip $pair
		ssh_master $pair; roundtrip exec_roundtrip_master $pair
		exec_relay $pair; raw_copy exec_throughput $pair; exec_copy $pair
		stream_relay $pair; raw_copy stream_throughput $pair; stream_copy $pair
	fi
	memory $pair
	pair=$((pair + 1))
done
