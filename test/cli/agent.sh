# agent.sh: a guest's servers on this machine, behind a socket, for the words that talk to a guest.
#
#	. test/lib.sh
#	. test/cli/agent.sh		sets $vmtool, $term, $guest (unix:PATH); the agent runs
#	agent_stop, agent_start		as its init system would

vmtool=$PWD/out/vmtool
term=$PWD/out/tools/term
guest=unix:$tap_dir/agent
export VMTOOL_HOME=$tap_dir/home

agent_start() {
	"$vmtool" guest-agent --listen "$guest" 2>>"$tap_dir/agent.log" &
	agent_pid=$!
	until listens "$tap_dir/agent"; do
		kill -0 "$agent_pid" || { cat "$tap_dir/agent.log"; exit 1; }
		sleep 0.01
	done
}

agent_stop() {
	kill -"${1:-TERM}" "$agent_pid"
	wait "$agent_pid"
	rm -f "$tap_dir/agent"
}

agent_start
trap 'kill "$agent_pid" 2>/dev/null; rm -rf "$tap_dir"' EXIT
