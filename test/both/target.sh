# target.sh: a guest to talk to, so that one script shows the same with a VM and without: in the lab over
# its vsock, outside over the unix socket of a guest agent, which speaks the same dialect.
#
#	$target			what the words take for NAME
#	$agent			the process, over there, that serves
#	there SCRIPT		runs it over there
#	$peer, "$(port N)"	out/tools/peer and its WHERE of the guest's port N
#	target_end		the guest goes; for the trap of whoever sources this. In the lab one that
#				was there already is used, and stays: a VM less to boot
if [ -d /lab/in ]; then
	. /lab/in/host.sh
	target=web agent=1 peer=/lab/in/peer
	target_is_ours=1
	if state_is web running; then target_is_ours=0; fi
	[ $target_is_ours = 0 ] || start web -q --memory 512M >/dev/null || { echo "no VM starts"; exit 1; }
	target_sock=$VMTOOL_HOME/run/web/vsock.sock
	target_end() { # a VM that has died meanwhile tells how
		[ $target_is_ours = 1 ] || return 0
		state_is web running || {
			tail -n 4 "$VMTOOL_HOME/vms/web/events.jsonl" "$VMTOOL_HOME/vms/web/agent.log"
			tail -n 40 "$VMTOOL_HOME/vms/web/console.log"
		}
		vmtool rm -f web
	}
	there() { vmtool exec web -- sh -c "$1" </dev/null; }
else
	. test/within.sh
	PATH=$PWD/out:$PATH
	peer=$PWD/out/tools/peer
	target_dir=$(mktemp -d)
	target_sock=$target_dir/agent
	target=unix:$target_sock
	vmtool guest-agent --listen "$target" 2>"$target_dir/log" &
	agent=$!
	target_end() { { kill $agent; wait $agent; } 2>/dev/null; rm -rf "$target_dir"; }
	within 20 listens "$target_sock"
	there() { sh -c "$1"; }
fi

port() { echo "mux:$target_sock:$1"; }

agent_descriptors() { there "ls /proc/$agent/fd | wc -l"; }
agent_memory() { there "awk '/^Private_Dirty/ { print \$2 }' /proc/$agent/smaps_rollup"; } # KiB

# The agent's children, but for the one that asks: their pids, each with its state.
agent_children() {
	there "for stat in /proc/[0-9]*/stat; do
		read -r child _ state parent _ <\$stat || continue
		[ \$parent = $agent ] && [ \$child != \$\$ ] && echo \$child \$state
	done" 2>/dev/null
}
