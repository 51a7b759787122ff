# soak: a short slice of the long runs; observer.t and chaos.t have those of theirs.
# with: test/vm/host.sh test/soak/random.sh test/soak/lifecycle.sh test/soak/streams.sh test/soak/forwards.sh test/soak/truth.sh test/soak/melee.sh test/soak/hostile.sh out/tools/crowd out/bare
. /lab/in/lib.sh

run sh /lab/in/lifecycle.sh 10 7
is "$rc" 0 "ten VMs start, end in all ways, and leave nothing"
diag "$out"
run sh /lab/in/streams.sh 30 7
is "$rc" 0 "thirty streams end in all ways, and leave nothing"
diag "$out"
run sh /lab/in/forwards.sh 160 7
is "$rc" 0 "a hundred and sixty connections through a forward end in all ways, and leave nothing"
diag "$out"
run sh /lab/in/melee.sh 2 5
is "$rc" 0 "sixteen starts, stops and rms at once make something whole, also when some of them are killed"
diag "$out"
run sh /lab/in/hostile.sh 4 7
is "$rc" 0 "four guests that access what they should not end as they like, and by no fault of ours"
diag "$out"
done_testing
