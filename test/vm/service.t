# service: Debian 12 is booted by its own init, and has vmtool's agent as one of its services.
# with: test/vm/host.sh test/vm/stock.sh out/tools/term out/guest/debian/root.img
. /lab/in/lib.sh
. /lab/in/host.sh
. /lab/in/stock.sh
ours="a service"

# Somebody installs it, while another init has the disk.
start web -q --disk "$disk" --root '/dev/vda ext4' >/dev/null
vmtool guest-agent --print-unit | guest sh -c 'cat >/etc/systemd/system/vmtool-guest-agent.service'
vmtool cp -q /bin/vmtool web:/usr/local/bin/
guest systemctl -q --root=/ enable vmtool-guest-agent
vmtool stop -q web
vmtool rm web

run booted --plain --require agent_up --append 'root=/dev/vda rw init=/sbin/init'
is "$rc" 0 "$ours: it starts"
diag "$err"
is_whole
like "$(guest cat /proc/self/cgroup)" "/vmtool-guest-agent.service/" "$ours: commands are in its cgroup"
survives_reexec

boot=$(boot_of) vmm=$(processes vmm)
vmtool exec -d web -- sh -c 'trap "" TERM; exec sleep 4321' >/dev/null
guest systemctl --no-block restart vmtool-guest-agent
lost() { grep -q '"agent_up","value":false' "$events"; }
ok "$ours: one that is restarted is lost" within 20 lost
run vmtool wait web --for agent_up --timeout 30s
is "$rc" 0 "$ours: and comes back"
is "$(guest pidof sleep)" "" "$ours: its commands have ended with it"
# A server of systemd's own, so that it outlives the agent.
guest sh -c 'cd /run/systemd/system
	printf "[Socket]\nListenStream=127.0.0.1:7070\nAccept=yes\n" >echo.socket
	printf "[Service]\nExecStart=/bin/cat\nStandardInput=socket\n" >echo@.service
	systemctl daemon-reload && systemctl start echo.socket'
echoes() { [ "$(echo hello | timeout 20 nc 127.0.0.1 7070)" = hello ]; }
vmtool forward add web 7070:7070 >/dev/null
ok "$ours: a forward leads to a server beside it" within 20 echoes
mkfifo "$tap_dir/held"
nc 127.0.0.1 7070 <"$tap_dir/held" >"$tap_dir/echo" 2>/dev/null &
held=$!
exec 5>"$tap_dir/held"
echo held >&5
ok "$ours: and a connection is held open" within 20 grep -q held "$tap_dir/echo"
pid=$(guest systemctl show -P MainPID vmtool-guest-agent)
vmtool exec -d web -- kill -9 "$pid" >/dev/null
another() { now=$(guest systemctl show -P MainPID vmtool-guest-agent) && [ "$now" != "$pid" ] && [ "$now" != 0 ]; }
ok "$ours: one that is killed is started again" within 30 another
ok "$ours: a connection through it has ended, and does not hang" within 20 sh -c "! kill -0 $held"
exec 5>&-
ok "$ours: a new one leads to the server" within 20 echoes
is "$(boot_of) $(processes vmm)" "$boot $vmm" "$ours: in the same boot of the same machine"
reboots
stops

run vmtool start web -q --timeout 3s --kernel /lab/vmlinux --disk "$disk,ro" --plain --require agent_up --append 'root=/dev/vda init=/bin/sh'
is "$rc" 124 "a guest whose own agent does not come is not ready"
like "$err" "agent_up does not hold: the guest has not said hello" "and that is why"
vmtool rm -f web
is "$(left)/$(processes)" "/" "nothing is left"
done_testing
