# sessions: short slices of long runs, through a guest agent without a VM.
. test/lib.sh

slice() { PATH=$PWD/out:$PATH run sh "test/soak/$1.sh" "$2" 7; }

slice sessions 27
is "$rc" 0 "twenty-seven commands of all kinds: exact codes, nothing left open, no memory kept"
diag "$out"
slice shots 16
is "$rc" 0 "sixteen of the agent's children are shot: told, nothing half made, and it serves on"
diag "$out"
slice bulk 12
is "$rc" 0 "12 MiB arrive as they were: through pipes, a raw terminal, and cp"
diag "$out"
slice codes 24
is "$rc" 0 "24 loops at once beside as many orphans: exact statuses"
diag "$out"
slice starts 32
is "$rc" 0 "32 starts cost the agent no descriptor, and no memory"
diag "$out"
done_testing
