# sessions: a short slice of the long run of commands, through a guest agent without a VM.
. test/lib.sh

PATH=$PWD/out:$PATH run sh test/soak/sessions.sh 60 7
is "$rc" 0 "sixty commands of all kinds: exact codes, nothing left open, no memory kept"
diag "$out"
done_testing
