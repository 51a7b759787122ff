# shell: a terminal of the guest's over vsock, as a person at one of ours sees it.
# with: test/vm/host.sh out/tools/term
. /lab/in/lib.sh
. /lab/in/host.sh

term=/lab/in/term
run start web
is "$rc" 0 "a VM starts"

run $term raw 'type=echo re""ady; tty; stty size\r' expect=ready expect=/dev/pts/ expect='24 80' 'type=exit 7\r' -- \
	vmtool shell web
is "$rc" 7 "a login shell on a terminal, and its code"
run $term size=40x120 -- vmtool exec -it web sh -c 'until [ "$(stty size)" = "40 120" ]; do sleep 0.05; done; exit 8'
is "$rc" 8 "exec -it: a new size arrives"
run $term expect=up 'type=\x03' -- vmtool exec web sh -c 'trap "echo got it; exit 9" INT; echo up; while :; do sleep 0.05; done'
is "$rc" 9 "ctrl-c is the guest's"
run $term expect=up raw signal=20 stopped signal=18 raw 'type=q' -- \
	vmtool exec web sh -c 'stty raw -echo; echo up; dd bs=1 count=1 2>/dev/null; exit 3'
is "$rc" 3 "suspended and continued, the terminal ours in between"

run $term raw 'type=A=kept; echo re""ady\r' expect=ready 'type=\x10\x11' expect='goes back' -- vmtool shell --id mine web
is "$rc" 0 "left by keys"
run $term raw expect=ready 'type=\x15echo $A; exit 5\r' expect=kept -- vmtool attach web mine
is "$rc" 5 "and come back to: its screen, its variables, its code"

run vmtool shell -u guest web -- sh -c 'echo $USER "$1"' sh 'two  words' </dev/null
is "$rc/$out" "0/guest two  words" "without a terminal, a command through the login shell"
run sh -c 'echo "exit 4" | vmtool shell web'
is "$rc" 4 "and a script on stdin"

$term expect=up -- vmtool exec web sh -c 'echo up; exec sleep 62' >/tmp/crash 2>&1 &
within 10 vmtool exec web pidof sleep
kill -KILL "$(processes vmm)"
wait $!
is $? 125 "a VM that dies under a terminal is a failure"
like "$(cat /tmp/crash)" "the connection to the VM ended" "that says so"
ok "and leaves the terminal as it was" test -z "$(grep 'as it was before' /tmp/crash)"

run start again
id=$(vmtool exec -d again -- sh -c 'echo early; sleep 0.2; echo late; exit 6')
run vmtool attach again "$id"
is "$rc/$out" "6/early
late" "left running from the start, and attached to"
head -c 1048576 /dev/urandom | tr '\020\021' xy >/tmp/paste
sum=$(md5sum </tmp/paste | cut -c 1-32)
run $term expect=ready paste=/tmp/paste expect="$sum" -- vmtool exec again sh -c 'stty raw -echo; echo ready; head -c 1048576 | md5sum'
is "$rc" 0 "1 MiB pasted arrives whole"
run vmtool exec --ulimit nofile=99 --cap-drop all --no-new-privs --group 7 again sh -c 'ulimit -n; grep CapEff /proc/self/status; id -G'
like "$out" "99" "limits"
like "$out" "CapEff:	0000000000000000" "capabilities"
vmtool stop again >/dev/null 2>&1
done_testing
