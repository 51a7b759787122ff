# memory.sh: what the guest's agent needs, idle and for each session, in KiB that are its own alone.
# Sourced behind lib.sh and target.sh.
memory_sessions=32

vmtool exec "$target" -- true # what is touched once, is
memory_idle=$(agent_memory) memory_fds=$(agent_descriptors)
memory_clients=
for _ in $(seq $memory_sessions); do
	vmtool exec "$target" -- sleep 600 </dev/null &
	memory_clients="$memory_clients $!"
done
all_run() { [ "$(agent_children | wc -l)" -ge $memory_sessions ]; }
none_runs() { [ -z "$(agent_children)" ]; }
fds_are_as_before() { [ "$(agent_descriptors)" -le "$memory_fds" ]; }

ok "$memory_sessions sessions run" within 60 all_run
memory_each=$((($(agent_memory) - memory_idle) / memory_sessions))
# shellcheck disable=SC2086 # one argument each
kill $memory_clients
ok "and end with their clients" within 60 none_runs
ok "of which no descriptor is left" within 60 fds_are_as_before
ok "the agent is idle with at most 1 MiB of its own: $memory_idle KiB" test "$memory_idle" -le 1024
ok "and needs at most 32 KiB for a session: $memory_each KiB" test "$memory_each" -le 32
