# console: who sits at a VM's serial line; and a machine by hand, whose line is its stdin and stdout.
# with: out/tools/term
. /lab/in/lib.sh

term=/lab/in/term
says() { grep -q "$1" "$2"; }
start() { vmtool start "$1" -q --kernel /lab/vmlinux --initrd /lab/initrd >/dev/null; }

# --- a VM's ---

start web
# What the guest makes of its line: each line comes back, the other way round.
vmtool exec -d web -- sh -c 'stty -echo </dev/ttyS0; while read -r l; do echo "guest got $l"; done </dev/ttyS0 >/dev/ttyS0' >/dev/null
mkfifo /tmp/keys
vmtool console web </tmp/keys >/tmp/seen 2>/tmp/complaints &
typist=$!
exec 3>/tmp/keys
vmtool console -r web >/tmp/looked-at </dev/null &
onlooker=$!
# Both are there when a line gets to both.
ask() { echo "hello $1" >&3; sleep 0.1; says "guest got hello" /tmp/seen && says "guest got hello" /tmp/looked-at; }
ok "what is typed reaches the guest, and its answer all who are there" within 10 ask 1
seq 1 300 | sed 's/^/line /' >&3
ok "three hundred lines at once as well" within 20 says "guest got line 300" /tmp/seen
is "$(grep -c 'guest got line' /tmp/seen)" 300 "every one of them"

run $term raw 'type=from a terminal\r' expect='guest got from a terminal' 'type=\x03\x10\x11' -- vmtool console web
is "$rc" 0 "at a terminal, ctrl-c is the guest's, and ctrl-p ctrl-q leave"
ok "while others stay" kill -0 $typist
run $term raw 'type=\x01d' -- vmtool console --detach-keys ctrl-a,d web
is "$rc" 0 "or other keys do"

before=$(vmtool exec web cat /proc/sys/kernel/random/boot_id)
vmtool exec web reboot -f 2>/dev/null
is_born_again() { now=$(vmtool exec web cat /proc/sys/kernel/random/boot_id 2>/dev/null) && [ "$now" != "$before" ]; }
ok "the guest reboots" within 30 is_born_again
ok "which they outlive" kill -0 $typist $onlooker
vmtool exec web -- sh -c 'echo born again >/dev/ttyS0'
ok "and hear the new machine" within 10 says "born again" /tmp/seen
vmtool stop web >/dev/null 2>&1
wait $typist
is "$?" 0 "they end with the VM"
wait $onlooker
is "$?" 0 "all of them"
exec 3>&-
is "$(cat /tmp/complaints)" "" "without a complaint"
run vmtool console web
is "$rc" 1 "of a VM that does not run"
like "$err" "web: is not running (stopped)*try: vmtool start web" "there is none"
vmtool rm web

# --- one whose console is a virtio device ---

start_hvc() { vmtool start hvc -q --console-device virtio "$@" --kernel /lab/vmlinux --initrd /lab/initrd >/dev/null; }
start_hvc
is "$(vmtool exec hvc cat /sys/class/tty/console/active)" "ttyS0 hvc0" "a console can be a virtio device"
vmtool exec hvc -- sh -c 'seq 1 2000 | sed "s/^/fast line /" >/dev/hvc0; printf "no end" >/dev/hvc0'
hvc_log() { vmtool logs --source console hvc; }
ok "what it says is in the log, to the last that has no end" within 10 eval 'hvc_log | grep -q "no end"'
is "$(hvc_log | grep -c "fast line")" 2000 "every line of it"
vmtool exec -d hvc -- sh -c 'stty -echo </dev/hvc0; while read -r l; do echo "hvc got $l"; done </dev/hvc0 >/dev/hvc0' >/dev/null
vmtool exec hvc true # the first has begun
mkfifo /tmp/hvckeys
vmtool console hvc </tmp/hvckeys >/tmp/hvcseen &
typist=$!
exec 3>/tmp/hvckeys
seq 1 300 | sed 's/^/line /' >&3
ok "what is typed, faster than the guest reads it, arrives there" within 20 says "hvc got line 300" /tmp/hvcseen
is "$(grep -c "hvc got line" /tmp/hvcseen)" 300 "every line of it"
exec 3>&-
vmtool stop -q hvc
wait $typist
is "$?" 0 "and it ends with the VM"
vmtool rm hvc

# --- a machine by hand ---

by_hand() { exec vmtool vmm --kernel /lab/vmlinux --initrd /lab/initrd "$@"; }
inside() { vmtool exec unix:/tmp/v.sock "$@"; }

mkfifo /tmp/line
by_hand --vsock /tmp/v.sock --console /tmp/serial.log --hostname alone --cpus 2 </tmp/line >/tmp/out 2>/tmp/err &
machine=$!
exec 3>/tmp/line
ok "its guest answers on the socket that was asked for" within 30 inside true
is "$(inside hostname)/$(inside nproc)" alone/2 "and is as it was described"
inside -d -- sh -c 'stty -echo </dev/ttyS0; read -r l </dev/ttyS0; echo "guest got $l" >/dev/ttyS0; reboot -f' >/dev/null
inside true # the first has begun
echo "a line" >&3
ok "its stdin and stdout are the guest's serial line" within 10 says "guest got a line" /tmp/out
ok "a reboot is one" within 30 inside test ! -e /tmp/nothing
is "$(inside hostname)" alone "of the same machine"
inside poweroff -f 2>/dev/null
wait $machine
is "$?" 0 "a guest that powers off ends it well"
ok "its line is in the file, too" says "guest got a line" /tmp/serial.log
is "$(cat /tmp/err)" "" "nothing else is said"
is "$(ls /tmp/v.sock*)" "" "and its sockets are gone"
exec 3>&-

printf '[vm]\nkernel = /lab/vmlinux\ninitrd = /lab/initrd\nreboot = end\n[guest]\nhostname = filed\n[main]\narg = hostname\n' >/tmp/m.ini
run timeout 60 vmtool vmm --config /tmp/m.ini </dev/null
is "$rc" 0 "a file describes one as well"
like "$out" "*filed*" "and what it is to run"

: >/tmp/out # what the one before said is not its word
by_hand </dev/null >/tmp/out 2>/tmp/err &
machine=$!
ok "one whose stdin has ended goes on" within 30 says "vmtool: ready" /tmp/out
kill -TERM $machine
wait $machine
is "$?" 143 "and a signal ends it"
run $term raw expect='vmtool: ready' 'type=\x01x' -- vmtool vmm --kernel /lab/vmlinux --initrd /lab/initrd
is "$rc" 143 "as ctrl-a x at a terminal does, which is as before then"
: >/tmp/out # what the one before said is not its word
by_hand </dev/null >/tmp/out 2>/tmp/err &
machine=$!
ok "one is there" within 30 says "vmtool: ready" /tmp/out
machines() { pidof vmtool | wc -w; }
is "$(machines)" 2 "in a process of its own"
kill -KILL $machine
none() { [ "$(machines)" = 0 ]; }
ok "which does not outlive it" within 10 none

run in_shell by_hand --append 'init=/nonexistent rdinit=/nonexistent' </dev/null
is "$rc" 1 "a guest that panics is a failure"
like "$err" "vmm: the machine ended: panic" "and told"
touch /tmp/v.sock
run in_shell by_hand --vsock /tmp/v.sock </dev/null
is "$rc" 1 "a file in the way of its socket"
like "$err" "*--vsock /tmp/v.sock*" "is named"
ok "and left alone" test -e /tmp/v.sock
done_testing
