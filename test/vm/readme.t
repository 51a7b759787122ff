# readme.t - the README's commands do what it says.
# with: README.md
. /lab/in/lib.sh

# The block that begins with the kernel, without its fences.
awk '/^```/ { inside = 0 } /^vmtool kernel add \/lab/ { inside = 1 } inside' /lab/in/README.md >/tmp/readme.sh
ok "the README has its block of commands" test -s /tmp/readme.sh

run sh -ex /tmp/readme.sh
is "$rc" 0 "every command of the README succeeds"
like "$out" "Linux web" "uname runs in the VM"
like "$out" "HELLO" "stdin reaches the command and its output comes back"
like "$out" "in a fresh VM" "run runs a command in a VM of its own"
[ "$rc" = 0 ] || tap_note err "$err"
done_testing
