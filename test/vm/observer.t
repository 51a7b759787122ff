# observer: whoever connects from outside once `start` has returned is served, each time.
# with: test/vm/host.sh test/soak/random.sh test/soak/observer.sh out/tools/observer
. /lab/in/lib.sh

run sh /lab/in/observer.sh 6 7
is "$rc" 0 "six starts, and nobody who came then was turned away"
diag "$out"
done_testing
