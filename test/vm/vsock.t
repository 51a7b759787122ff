# vsock.t - streams and messages between guest and host: every byte, both halves, both directions.
# with: out/tools/peer
. /lab/in/lib.sh

MB=1048576
unset XDG_RUNTIME_DIR
sock=$HOME/.local/state/vmtool/run/web/vsock.sock

run vmtool start web --kernel /lab/vmlinux --initrd /lab/initrd
is "$rc" 0 "a VM starts"
[ "$rc" = 0 ] || tap_note err "$err"
vmtool exec web -- sh -c 'cat >/bin/peer && chmod 755 /bin/peer' </lab/in/peer
run vmtool exec web -- peer
is "$rc" 2 "the guest has its end"

# in_guest ARG...: peer in the guest, listening when this returns; `guest_said` collects it.
in_guest() {
	mkfifo /tmp/line
	vmtool exec web -- peer "$@" >/tmp/line 2>/tmp/guest.err &
	guest=$!
	exec 3</tmp/line
	read -r line <&3
	rm /tmp/line
}
guest_said() { cat <&3; exec 3<&-; wait "$guest"; }

in_guest take vsock:0:7000 $((3 * MB))
run /lab/in/peer give mux:"$sock":7000 $((20 * MB))
is "$out" "gave $((20 * MB)), came back $((3 * MB))" \
	"20 MiB to the guest, and an answer of 3 MiB after the host ended its half"
is "$(guest_said)" "took $((20 * MB))" "the guest saw the end of the host's half, and only of that"

# The guest sends, ends its half, and is answered.
mkfifo /tmp/host
/lab/in/peer take unix:"$sock"_7001 $((3 * MB)) >/tmp/host &
read -r line </tmp/host
run vmtool exec web -- peer give vsock:2:7001 $((20 * MB))
is "$out" "gave $((20 * MB)), came back $((3 * MB))" \
	"20 MiB to the host, and an answer of 3 MiB after the guest ended its half"
wait $! 2>/dev/null
rm -f /tmp/host "$sock"_7001

# Closed at once after the last byte: what was sent is still delivered, both ways.
in_guest eat vsock:0:7002 0
run /lab/in/peer toss mux:"$sock":7002 $((5 * MB))
is "$(guest_said)" "took $((5 * MB))" "a host client that closes at once loses nothing"

/lab/in/peer eat unix:"$sock"_7003 0 >/tmp/took 2>&1 &
taker=$!
within 20 listens "$sock"_7003
run vmtool exec web -- peer toss vsock:2:7003 $((5 * MB))
is "$rc" 0 "a guest client may close at once"
wait "$taker"
is "$(tail -n 1 /tmp/took)" "took $((5 * MB))" "and loses nothing by it"
rm -f "$sock"_7003

# Nobody there.
run /lab/in/peer give mux:"$sock":7999 1
is "$rc" 1 "a port nobody listens on in the guest is refused"
run vmtool exec web -- peer give vsock:2:7998 1
is "$rc" 1 "so is one on the host"
for text in "HELLO 22" "CONNECT" "CONNECT x" "CONNECT 99999999999" "CONNECT 4089 and more of it than fits"; do
	run /lab/in/peer say unix:"$sock" "$text"
	is "$out" "came back 0" "'$text' is no way in"
done

# A reader that sleeps holds up nobody else.
in_guest take vsock:0:7004 0
/lab/in/peer give mux:"$sock":7004 $((8 * MB)) >/tmp/slow &
run vmtool exec web -- echo quick
is "$out" quick "another connection is served beside a busy one"
wait $! 2>/dev/null
is "$(guest_said)" "took $((8 * MB))" "and the busy one loses nothing"

# --- messages: whole, in their order, both halves ---

in_guest gather vsock:0:7010 300
run /lab/in/peer post mux:"$sock"_seqpacket:7010 300
is "$out" "posted 300, came back 300" "messages of 1 byte to 200 KiB to the guest, and back after the end of the host's half"
is "$(guest_said)" "gathered 300" "the guest saw each as it was sent, and the end"

mkfifo /tmp/host
/lab/in/peer gather unix:"$sock"_7011 300 >/tmp/host &
host=$!
read -r line </tmp/host
# It sleeps over a thousand of them, more than all buffers hold.
kill -STOP $host
vmtool exec web -- peer post vsock:2:7011 1000 >/tmp/slow 2>&1 &
run vmtool exec web -- echo quick
is "$out" quick "another connection is served beside messages for a host that sleeps"
kill -CONT $host
wait $! $host 2>/dev/null
is "$(cat /tmp/slow)" "posted 1000, came back 300" "each arrives when it wakes, and is answered after the guest ended its half"
rm -f "$sock"_7011

in_guest hoard vsock:0:7012 0
run /lab/in/peer drop mux:"$sock"_seqpacket:7012 100
is "$(guest_said)" "gathered 100" "a host client of messages that closes at once loses none"
/lab/in/peer hoard unix:"$sock"_7013 0 >/tmp/took 2>&1 &
taker=$!
within 20 listens "$sock"_7013
run vmtool exec web -- peer letter vsock:2:7013 220000
like "$rc $err" "1 peer: send: *" "what no socket of the host takes is refused to the guest that sends it"
wait $taker
is "$(tail -n 1 /tmp/took)" "gathered 0" "and no part of it comes"
/lab/in/peer hoard unix:"$sock"_7014 0 >/tmp/took 2>&1 &
taker=$!
within 20 listens "$sock"_7014
run vmtool exec web -- peer drop vsock:2:7014 100
wait $taker
is "$rc $(tail -n 1 /tmp/took)" "0 gathered 100" "a guest client of messages that closes at once loses none"
run vmtool exec web -- peer give vsock:2:7014 1
is "$rc" 1 "a port of messages refuses a stream"
in_guest gather vsock:0:7015 1
run /lab/in/peer give mux:"$sock":7015 1
is "$rc" 1 "so does one of the guest"
run /lab/in/peer post mux:"$sock"_seqpacket:7015 1
is "$out" "posted 1, came back 1" "which is still there for its own kind"
guest_said >/dev/null
rm -f /tmp/host "$sock"_7013 "$sock"_7014

# Many at once.
i=0
while [ $i -lt 40 ]; do
	vmtool exec web -- sh -c "echo $i; exit 0" >/tmp/many."$i" 2>&1 &
	i=$((i + 1))
done
wait
i=0
good=0
while [ $i -lt 40 ]; do
	said=$(cat /tmp/many."$i")
	if [ "$said" = "$i" ]; then good=$((good + 1)); else tap_note "command $i" "$said"; fi
	i=$((i + 1))
done
is $good 40 "forty commands at once are all answered"

vmtool stop web >/dev/null 2>&1
done_testing
