# nic: what is refused of a network card before any work, and what a VM has of it before it ever runs.
. test/lib.sh
export VMTOOL_HOME=$tap_dir/home
cp out/vmtool "$tap_dir/vmlinux"
create() { run out/vmtool create web --kernel "$tap_dir/vmlinux" "$@"; }
refused() {	# WANT NIC...
	local want=$1
	shift
	create "${@/#/--nic=}"
	is "$rc" 2 "$want: exit code 2"
	like "$err" "$want" "$want"
}

refused "'bridge=br0' says not what the card is connected to: tap=NAME, passt, or passt=/SOCKET" bridge=br0
refused "'tap=' says not" tap=
refused "'passt=here' says not" passt=here
refused "'seventeen-letters' is no interface's name" tap=seventeen-letters
refused "'a/b' is no interface's name" tap=a/b
refused "'speed=9' is no option of a card: there are mac=, mtu=, rate=, ops= and vhost=" tap=a,speed=9
refused "mac=02:00:00:00:00: is no address" tap=a,mac=02:00:00:00:00
refused "mac=02:00:00:00:00:0g: is no address" tap=a,mac=02:00:00:00:00:0g
refused "mac=03:00:00:00:00:01: is no card's" tap=a,mac=03:00:00:00:00:01
refused "mac=00:00:00:00:00:00: is no card's" tap=a,mac=00:00:00:00:00:00
refused "'67' is" tap=a,mtu=67
refused "rate=0K: nothing would pass" tap=a,rate=0K
refused "10 of what? write 10M" tap=a,rate=10
refused "'0' is" tap=a,ops=0
refused "vhost=yes: is neither on nor off" tap=a,vhost=yes
refused "vhost= is of taps" passt,vhost=off
refused "vhost=on and a rate exclude each other" tap=a,vhost=on,rate=1M
like "$err" "try: one of them" "and what would do"
refused "vhost=on and a rate exclude each other" tap=a,ops=5,vhost=on
refused "more than 4 cards" tap=a tap=b tap=c tap=d tap=e
is "$(ls "$VMTOOL_HOME/vms" 2>/dev/null)" "" "nothing was made"

create --nic tap=a,rate=10M,ops=500,vhost=off --nic passt=/run/passt,mac=52:54:00:12:34:56,mtu=1400 --nic passt
is "$rc" 0 "good ones are kept"
shown=$(out/vmtool show web | grep ^nics)
like "$shown" "nics * tap a 02:*nics * passt /run/passt 52:54:00:12:34:56*nics * passt 02:" "and shown"
first=$(echo "$shown" | sed -n '1s/.* //p') third=$(echo "$shown" | sed -n '3s/.* //p')
is "$((16#${third##*:} - 16#${first##*:} & 255)) ${first%:*}" "2 ${third%:*}" "each has an address of its own"
id=$(out/vmtool show --json web | sed -n 's/.*"id": "\(.*\)".*/\1/p')
is "$(echo "$first" | tr -d :)" "02${id:0:10}" "which is the VM's"
out/vmtool rename web db
is "$(out/vmtool show db | grep ^nics)" "$shown" "and stays so"
done_testing
