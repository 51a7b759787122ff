# lives: a VM that reboots, is paused, hears its power button, and what it wrote before it was stopped.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

events=$VMTOOL_HOME/vms/web/events.jsonl
boot_of() { vmtool show --json web | sed -n 's/.*"boot": "\([^"]*\)".*/\1/p' | head -n 1; }

# --- what was written is there ---

truncate -s 16M /tmp/data.img
start web -q --disk /tmp/data.img >/dev/null
vmtool exec web -- sh -c 'dd if=/dev/urandom of=/dev/vda bs=1M count=8 2>/dev/null; md5sum </dev/vda' >"$tap_dir/before"
run vmtool stop web
like "$err" "disks synced (rung guest)" "a VM stops with its disks synced"
is "$(md5sum </tmp/data.img)" "$(cat "$tap_dir/before")" "what was written just before is in the image"
start web -q >/dev/null
is "$(vmtool exec web -- sh -c 'md5sum </dev/vda')" "$(cat "$tap_dir/before")" "and is there after the next start"

# --- reboot in place ---

boot=$(boot_of) vmm=$(processes vmm) agent=$(processes agent)
# One look for both: between two of them the old boot may end and the new one have begun.
is_another_boot() {
	vmtool show --json web >"$tap_dir/show"
	grep -q '"state": "running"' "$tap_dir/show" && ! grep -q "\"boot\": \"$boot\"" "$tap_dir/show"
}
vmtool exec web -- sh -c '(sleep 0.2; reboot) >/dev/null 2>&1 &'
ok "a guest that reboots comes back" within 90 is_another_boot
is "$(processes agent)" "$agent" "under the same agent"
ok "in another machine" test "$(processes vmm)" != "$vmm"
like "$(vmtool ls)" "web * running * yes" "and is ready"
run vmtool exec web -- sh -c 'exit 42'
is "$rc" 42 "and takes a command"
ok "the end of the first boot was told" grep -q "\"boot\":\"$boot\",\"event\":\"exit\",\"reason\":\"guest_reboot\"" "$events"
is "$(grep -c '"event":"ready"' "$events")" 3 "and the second boot's ready"
kill -KILL "$(processes agent)"
vmtool ls >/dev/null
boot=$(boot_of)
vmtool exec web -- sh -c 'echo triple >/sys/kernel/reboot/type; (sleep 0.2; reboot) >/dev/null 2>&1 &'
ok "an agent that took the VM over starts it again as well" within 90 is_another_boot
like "$(grep "\"boot\":\"$boot\",\"event\":\"exit\"" "$events")" '"reason":"guest_reboot"*"triple fault; it starts again"' \
	"also when it reboots by a triple fault, which is said"

# --- pause ---

vmtool exec web -- sh -c '(while :; do echo tick >/dev/console; sleep 0.1; done) >/dev/null 2>&1 &'
ticks() { vmtool logs web | grep -c tick; }
tick_goes_on() { [ "$(ticks)" -gt "$seen" ]; }
seen=0
ok "the guest runs" within 20 tick_goes_on
run vmtool pause web
is "$rc:$err" "0:web: is paused" "it is paused"
ok "and called so" state_is web paused
run vmtool pause web
is "$rc:$err" "0:web: is paused already" "pausing it again is fine"
seen=$(ticks)
sleep 2	# the test is that nothing happens
is "$(ticks)" "$seen" "and stands still"
run vmtool exec web -- true
is "$rc" 125 "no command reaches it"
like "$err" "is paused" "which is the reason given"
agent=$(processes agent)
kill -KILL "$agent"
has_gone() { [ ! -d "/proc/$agent" ]; }
ok "its agent is killed" within 10 has_gone
ok "it is still paused" state_is web paused
run vmtool resume web
is "$rc:$err" "0:web: is running" "it goes on"
ok "where it was" within 20 tick_goes_on
ok "ready again" within 20 sh -c 'vmtool ls | grep -q "web * running * yes"'
run vmtool exec web -- dmesg
is "$(echo "$out" | grep -c "soft lockup")" 0 "its watchdog is quiet"
run vmtool pause web
is "$rc" 0 "paused once more"
run vmtool stop web
is "$rc" 0 "a paused VM can be stopped"
like "$err" "disks synced (rung guest)" "by its guest"

# --- the power button ---

start web -q >/dev/null
pressed() { vmtool exec web -- sh -c "grep -c ' [1-9][0-9]* .*[Gg]ed' /proc/interrupts"; }
is "$(pressed)" 0 "nobody has pressed the power button"
kill -PWR "$(processes vmm)"
ok "the guest's kernel hears it" within 20 sh -c '[ "$(vmtool exec web -- cat /proc/interrupts | grep -ci "ged")" = 1 ]'
is "$(pressed)" 1 "once"
# A guest whose agent cannot be reached, and who listens to the button.
vmtool exec web -- sh -c '(head -c 24 /dev/input/event0; sync; poweroff -f) >/dev/null 2>&1 &'
vmtool exec web -- sh -c '(sleep 0.5; for d in /sys/bus/pci/drivers/virtio-pci/0000:*; do echo "${d##*/}" >/sys/bus/pci/drivers/virtio-pci/unbind; done) >/dev/null 2>&1 &'
is_unreachable() { ! vmtool show --json web | grep -q '"agent_up": true'; }
ok "the guest's agent is lost" within 30 is_unreachable
run vmtool stop web
is "$rc" 0 "it is stopped"
like "$err" "(rung button)" "by its power button"
ok "which its end says too" grep -q '"event":"exit",.*"rung":"button"' "$events"

# --- a guest that can only reboot ---

start web -q --reboot end >/dev/null
vmtool exec web -- sh -c '(sleep 0.2; reboot) >/dev/null 2>&1 &'
ok "with reboot = end a reboot is the VM's end" within 40 state_is web stopped
like "$(tail -n 1 "$events")" '"reason":"guest_reboot"' "of that name"

vmtool rm -f web
is "$(left)/$(processes)" "/" "nothing is left"
done_testing
