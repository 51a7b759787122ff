# stock.sh: what tests of guests that somebody else's init runs share: Debian 12 as its packages set it up.
# Whoever sources it wants host.sh, out/tools/term and out/guest/debian/root.img beside it. ours=WHO is what
# the names of its tests begin with.

disk=/lab/in/root.img term=/lab/in/term kernel=/lab/vmlinux gate=boot_done
events=$VMTOOL_HOME/vms/web/events.jsonl
guest() { vmtool exec web -- "$@"; }
boot_of() { vmtool show --json web | sed -n 's/.*"boot": "\([^"]*\)".*/\1/p' | head -n 1; }
booted() { vmtool start web -q --timeout 60s --memory 512M --kernel "$kernel" --disk "$disk" --require "$gate" "$@"; }
# Of ext4's superblock: is the journal to be replayed?
needs_recovery() { [ $((0x$(dd if="$disk" bs=1 skip=1120 count=1 2>/dev/null | hexdump -e '1/1 "%x"') & 4)) -ne 0 ]; }
is_another_boot() { state_is web running && [ "$(boot_of)" != "$boot" ]; }
dd if=/dev/urandom of="$tap_dir/file" bs=1k count=700 2>/dev/null

is_whole() {
	is "$(sed -n 's/.*"name":"boot_done","value":true.*/booted/p; s/.*"event":"ready".*/ready/p' "$events" | xargs)" \
		"booted ready" "$ours: it is ready once systemd has booted"
	is "$(guest systemctl is-system-running)" running "$ours: systemd runs, and no unit has failed"
	is "$(guest cat /proc/1/comm)" systemd "$ours: it is process 1"
	run guest sh -c 'exit 42'
	is "$rc" 42 "$ours: commands have their status"
	is "$(echo hello | guest tr a-z A-Z)" HELLO "$ours: and input and output"
	run $term raw 'type=echo re""ady; tty; id -un\r' expect=ready expect=/dev/pts/ expect=root 'type=exit 7\r' -- vmtool shell web
	is "$rc" 7 "$ours: a shell on a terminal"
	vmtool cp -q "$tap_dir/file" web:/root/in
	vmtool cp -q web:/root/in "$tap_dir/back"
	ok "$ours: files go in and out" cmp -s "$tap_dir/file" "$tap_dir/back"
	is "$(guest sh -c 'who | wc -l; loginctl --no-legend list-sessions | wc -l; who -b | grep -c boot' | xargs)" "0 0 1" \
		"$ours: utmp has the boot and nobody who came our way"
	is "$(guest sh -c 'grep -c " /run tmpfs" /proc/mounts; grep -c " /proc proc" /proc/mounts; grep -c " /sys/fs/cgroup cgroup2" /proc/mounts' | xargs)" \
		"1 1 1" "$ours: /run, /proc and cgroup2 are mounted once"
	like "$(guest grep cgroup2 /proc/mounts)" nsdelegate "$ours: cgroup2 as systemd mounts it"
}

# A command that runs on while systemd is replaced by itself has its own status.
survives_reexec() {
	mkfifo "$tap_dir/go"
	guest sh -c 'echo up; read -r code; exit "$code"' <"$tap_dir/go" >"$tap_dir/up" &
	across=$!
	exec 9>"$tap_dir/go"
	ok "$ours: a command runs" within 20 grep -q up "$tap_dir/up"
	guest systemctl daemon-reload
	guest systemctl daemon-reexec
	is "$(guest systemctl is-system-running)" running "$ours: systemd has executed itself anew"
	echo 7 >&9
	exec 9>&-
	wait $across
	is "$?" 7 "$ours: a command that ran across that has its status"
	rm "$tap_dir/go"
	is "$(grep -c '"agent_up","value":false' "$events")" 0 "$ours: and the agent was there all the time"
}

# The unit's end stands for an orderly shutdown: somebody killed has no time to write.
leave_unit() {
	guest sh -c 'cat >/etc/systemd/system/witness.service; systemctl -q enable --now witness' <<-'END'
		[Service]
		Type=oneshot
		RemainAfterExit=yes
		ExecStart=/bin/true
		ExecStop=/bin/sh -c 'echo stopped >>/var/tmp/stopped'
		[Install]
		WantedBy=multi-user.target
	END
}

reboots() {
	boot=$(boot_of)
	guest systemctl reboot
	ok "$ours: a guest that reboots comes back" within 60 is_another_boot
	run vmtool wait web --for boot_done --timeout 60s
	is "$rc" 0 "$ours: with systemd and an agent"
}

stops() {
	run vmtool stop web
	like "$rc $err" "0 *disks synced (rung guest)" "$ours: stop asks systemd, and the disks are seen to be settled"
	like "$(tail -n 1 "$events")" '"reason":"guest_poweroff"' "$ours: the VM's end is a poweroff"
	ok "$ours: no journal is to be replayed" eval '! needs_recovery'
	vmtool rm web
	is "$(left)/$(processes)" "/" "$ours: nothing is left"
}

# Nobody in there knows of us.
presses() {
	run guest true
	is "$rc" 125 "$ours: no agent of ours is in it"
	run vmtool stop web
	is "$rc" 0 "$ours: stop presses its power button"
	diag "$err"
	like "$(tail -n 1 "$events")" '"reason":"guest_poweroff"' "$ours: the VM's end is a poweroff"
	ok "$ours: no journal is to be replayed" eval '! needs_recovery'
	vmtool rm web
	is "$(left)/$(processes)" "/" "$ours: nothing is left"
}
