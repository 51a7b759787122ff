#!/usr/bin/env bash
# listing.sh PAIRS - `vmtool ls` of a thousand VMs, on this host; one line a sample: "BENCH SIDE PAIR VALUE".
#
# The peer is what a shell has for it: `ls -l` of their folders and `cat` of their states. In microseconds from
# the start of a process to its end. Pair 0 warms up and is not counted.
set -euo pipefail
pairs=$1

export VMTOOL_HOME
VMTOOL_HOME=$(mktemp -d)
trap 'rm -rf "$VMTOOL_HOME"' EXIT
unset XDG_RUNTIME_DIR
fakevm=$PWD/out/tools/fakevm vmtool=$PWD/out/vmtool

# One that has run, and a thousand like it.
coproc "$fakevm" vm-0
read -r up <&"${COPROC[0]}"
[ "$up" = up ]
"$vmtool" stop -q vm-0
rm -f "$VMTOOL_HOME/vms/vm-0/lock"
sed -i 's/"memory_bytes": 0/"memory_bytes": 268435456/' "$VMTOOL_HOME/vms/vm-0/state.json"
for ((i = 1; i < 1000; i++)); do echo "$VMTOOL_HOME/vms/vm-$i"; done |
	xargs -n 50 sh -c 'for to; do cp -R "$VMTOOL_HOME/vms/vm-0" "$to"; done' sh

one() { # SIDE PAIR COMMAND...
	local side=$1 pair=$2 began=${EPOCHREALTIME/./}
	shift 2
	"$@" >/dev/null
	[ "$pair" -eq 0 ] || echo "ls_thousand $side $pair $((${EPOCHREALTIME/./} - began))"
}
ours() { one vmtool "$1" "$vmtool" ls; }
peer() { one cat "$1" sh -c 'ls -l "$VMTOOL_HOME/vms" && cat "$VMTOOL_HOME"/vms/*/state.json'; }

for ((pair = 0; pair <= pairs; pair++)); do
	if ((pair % 2)); then ours $pair && peer $pair; else peer $pair && ours $pair; fi
done
