# dhcp: the guest's client and a server of somebody else's making, busybox udhcpd; both in one guest, in
# network namespaces of their own.
# with: test/vm/host.sh out/tools/lan
. /lab/in/lib.sh
. /lab/in/host.sh

guest() { vmtool exec web -- "$@"; }
# Before ready nobody is called by name.
early() { vmtool exec "unix:$VMTOOL_HOME/run/web/vsock.sock" -- "$@"; }
serves() { [ -S "$VMTOOL_HOME/run/web/vsock.sock" ] && early true 2>/dev/null; }
stage() { grep "\"stage\":\"$1\"" "$VMTOOL_HOME/vms/web/events.jsonl" | tail -n 1 | sed 's/.*"state":"\([a-z]*\)"\(.*"detail":"\([^"]*\)"\)\{0,1\}.*/\1 \3/'; }
stage_is() { case $(stage network) in "$1"*) ;; *) false ;; esac; }
address() { guest ip -4 -o addr show dev eth0 | sed 's/.*inet \([^ ]*\).*/\1/'; }
has_address() { [ "$(address)" = "$1" ]; }

# server FIRST-AND-LAST-ADDRESS LEASE-SECONDS: a new one, which remembers nobody.
server() {
	early sh -c 'kill $(pidof udhcpd) 2>/dev/null; rm -f /tmp/leases; : >/tmp/leases
		printf "%s\n" "start $1" "end $1" "interface lan0" "lease_file /tmp/leases" "pidfile /tmp/udhcpd.pid" "min_lease 1" \
			"opt subnet 255.255.255.0" "opt router 10.9.0.1" "opt dns 10.9.0.53" "opt domain lan.example" "opt lease $2" >/tmp/udhcpd.conf
		nsenter -t $(cat /tmp/lan) -n udhcpd -f /tmp/udhcpd.conf >>/tmp/said 2>&1 &' sh "$1" "$2" </dev/null
}
said() { guest grep -c "$1" /tmp/said; }
acks() { [ "$(said 'sending ACK')" -ge "$1" ]; }
names() { guest kill -USR1 "$(guest pidof udhcpd)" && guest grep -qa "$1" /tmp/leases; }
# Leases take their time, and each look costs a command: slowly SECONDS COMMAND...
slowly() {
	slowly_left=$1
	shift
	until "$@" 2>/dev/null; do
		[ "$((slowly_left -= 3))" -gt 0 ] || return 1
		sleep 3
	done
}

vmtool start web -q --timeout 60s --kernel /lab/vmlinux --initrd /lab/initrd --append vmtool.wait=25s --net 'eth0 dhcp' >"$tap_dir/started" 2>&1 &
starter=$!
within 15 serves
early sh -c 'cat >/tmp/lan.tool; chmod 755 /tmp/lan.tool' </lab/in/lan
early sh -c '/tmp/lan.tool >/tmp/lan 2>/tmp/lan.told &' </dev/null
within 10 early test -s /tmp/lan
server 10.9.0.50 20
wait $starter
is "$?" 0 "a guest starts on a lease"
diag "$(cat "$tap_dir/started")"
is "$(stage network)" "done " "the stage is done"
is "$(address)" 10.9.0.50/24 "its address is the server's"
like "$(guest ip route)" "default via 10.9.0.1 dev eth0" "and so is its route"
is "$(guest cat /etc/resolv.conf | xargs)" "nameserver 10.9.0.53 search lan.example" "and its resolv.conf"
ok "the server knows it by name" within 10 names web

ok "the lease is renewed" slowly 90 acks 4
is "$(said 'sending OFFER')" 1 "without asking anew"
ok "it is held" has_address 10.9.0.50/24
is "$(grep -c '"stage":"network","state":"failed"' "$VMTOOL_HOME/vms/web/events.jsonl")" 0 "and was all the time"

guest sh -c 'kill -9 $(pidof udhcpd)'
ok "a server that is gone: the lease is lost" slowly 60 stage_is "failed eth0: the DHCP lease is lost"
is "$(guest ip -4 addr show dev eth0 | grep -c inet)" 0 "and with it the address"
is "$(guest ip route | grep -c default)" 0 "and the route"
like "$(vmtool ls)" "web * running * yes" "the guest stays ready"
server 10.9.0.60 20
ok "another server: the network is there again" slowly 90 stage_is done
is "$(address)" 10.9.0.60/24 "at its address"

# Between its offer and our request the server forgets. It refuses, then; which it does not say in its log.
guest sh -c 'kill -9 $(pidof udhcpd)'
slowly 60 stage_is failed
guest sh -c 'kill -USR1 $(cat /tmp/lan); : >/tmp/said'
server 10.9.0.70 20
ok "an offer is made" slowly 120 sh -c 'vmtool exec web -- grep -q "sending OFFER" /tmp/said'
server 10.9.0.80 20
guest sh -c 'kill -USR2 $(cat /tmp/lan)'
ok "which its server has forgotten: it is asked for anew" slowly 120 stage_is done
is "$(address)" 10.9.0.80/24 "until there is a lease"
told=$(guest cat /tmp/lan.told | xargs)
like "$told" "nak discover *ack" "it was refused, and asked anew at once"
diag "$told"

run vmtool stop web
is "$rc" 0 "it stops"
vmtool rm -f web
done_testing
