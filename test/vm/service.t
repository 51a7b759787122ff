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
pid=$(guest systemctl show -P MainPID vmtool-guest-agent)
vmtool exec -d web -- kill -9 "$pid" >/dev/null
another() { now=$(guest systemctl show -P MainPID vmtool-guest-agent) && [ "$now" != "$pid" ] && [ "$now" != 0 ]; }
ok "$ours: one that is killed is started again" within 30 another
is "$(boot_of) $(processes vmm)" "$boot $vmm" "$ours: in the same boot of the same machine"
reboots
stops

run vmtool start web -q --timeout 3s --kernel /lab/vmlinux --disk "$disk,ro" --plain --require agent_up --append 'root=/dev/vda init=/bin/sh'
is "$rc" 124 "a guest whose own agent does not come is not ready"
like "$err" "agent_up does not hold: the guest has not said hello" "and that is why"
vmtool rm -f web
is "$(left)/$(processes)" "/" "nothing is left"
done_testing
