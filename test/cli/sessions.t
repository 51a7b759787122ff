# sessions: short slices of long runs, through a guest agent without a VM.
. test/lib.sh

slice() { PATH=$PWD/out:$PATH run sh "test/soak/$1.sh" "$2" 7; }

slice sessions 60
is "$rc" 0 "sixty commands of all kinds: exact codes, nothing left open, no memory kept"
diag "$out"
slice shots 40
is "$rc" 0 "forty of the agent's children are shot: told, nothing half made, and it serves on"
diag "$out"
slice bulk 66
is "$rc" 0 "66 MiB arrive as they were: through pipes, a raw terminal, and cp"
diag "$out"
slice codes 64
is "$rc" 0 "64 loops at once beside as many orphans: exact statuses"
diag "$out"
slice starts 64
is "$rc" 0 "64 starts cost the agent no descriptor, and no memory"
diag "$out"
done_testing
