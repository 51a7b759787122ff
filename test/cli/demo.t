# demo: the README's first command does what it says, from an empty state home, twice.
. test/lib.sh

run bash -o pipefail -c "./build.sh demo | tr -d \\\\0"
is "$rc" 0 "the demo succeeds"
like "$out" "ready in " "and says how long it took to be ready"
like "$out" "Linux demo " "runs uname in the VM"
like "$out" "/init" "of which vmtool is process 1"
like "$out" "powered off by the guest" "and powers it off"
[ "$rc" = 0 ] || tap_note err "$err"

run ./build.sh lab -- sh -c 'printf out; printf err >&2; exit 3'
is "$rc" 3 "the word lab gives the command's status"
is "$out" out "its stdout"
is "$err" err "and its stderr, with nothing of ours in it"
done_testing
