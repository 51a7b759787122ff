# vmtool init: process 1 without a VM, in namespaces and on a root of its own (a tmpfs), so
# that what it mounts, kills and powers off is nothing of this machine's.
. test/lib.sh
vmtool=$PWD/out/vmtool

run "$vmtool" init
is "$rc" 1 "who is not process 1 cannot be init"
like "$err" "only the first process of a guest" "and is told so"

unshare --mount --pid --uts --fork true 2>/dev/null || {
	skip "this user may not make namespaces" "process 1 in namespaces"
	done_testing
	exit
}

root=$(mktemp -d)
# The inner shell becomes init by exec: it is process 1 of its namespace.
cat >"$tap_dir/enter" <<-'END'
	mount -t tmpfs none "$1" || exit 99
	mkdir "$1/bin" "$1/dev" "$1/proc" && cp "$2" "$1/init" || exit 99
	[ -z "$3" ] || printf "$3" >"$1/.vmtool-guest"
	cd "$1" && exec chroot . /init 2>"$4"
END

# soon COMMAND...: until it succeeds, 10 s at most.
soon() {
	for _ in $(seq 1000); do
		"$@" && return
		sleep 0.01
	done
	return 1
}

# boot [DESCRIPTION]: sets $outside, its process id as seen from here.
boot() {
	: >"$tap_dir/console"
	unshare --mount --pid --uts --ipc --fork --kill-child \
		sh "$tap_dir/enter" "$root" "$vmtool" "${1-}" "$tap_dir/console" &
	unshare=$!
	soon grep -q -e ready -e 'no host can' "$tap_dir/console"
	outside=$(cat "/proc/$unshare/task/$unshare/children")
	outside=${outside%% *}
}

# ended: waits for it; $rc is 128 + the signal that its kernel gives the namespace's end.
ended() {
	rc=0
	wait "$unshare" 2>/dev/null || rc=$?
}

boot
like "$(cat "$tap_dir/console")" "vmtool: " "it says on the console how it is"
ok "without a host it stays alive" test -d "/proc/$outside"
in_guest() { nsenter --target "$outside" --mount --pid --uts --root --wd "$@"; }
run readlink "/proc/$outside/root/dev/ptmx"
is "$out" pts/ptmx "/dev/ptmx belongs to the devpts of the guest"
run grep -c -e ' /proc proc ' -e ' /sys sysfs ' -e ' /dev/pts devpts ' -e ' /dev/shm tmpfs ' \
	-e ' /run tmpfs ' -e ' /tmp tmpfs ' "/proc/$outside/mounts"
is "$out" 6 "its file systems are there"

# An orphan falls to it and must not stay a zombie.
kill -0 "$outside"
cp /bin/busybox "/proc/$outside/root/bin/busybox" 2>/dev/null || fail "busybox for the guest"
in_guest /bin/busybox sh -c '(/bin/busybox true & echo $! >/bin/orphan); exit 0'
reaped() { [ ! -e "/proc/$outside/root/proc/$(cat "/proc/$outside/root/bin/orphan")" ]; }
ok "an orphan is reaped" soon reaped

# Processes get TERM and their time; then the power goes. The kernel shows it as SIGINT.
in_guest /bin/busybox sh -c 'trap "echo bye >/bin/bye; exit" TERM; echo up >/bin/up
	while :; do /bin/busybox sleep 0.05; done 2>/bin/said' & # ... of the sleep that TERM ends, too
kept=/proc/$outside/root
ok "a process waits for its end" soon test -s "$kept/bin/up"
exec 8<"$kept/bin"
kill -USR2 "$outside"
ended
is "$rc" 130 "USR2 powers off"
is "$(cat /proc/self/fd/8/bye 2>&1)" bye "after processes could end by themselves"
exec 8<&-
wait

boot
kill -TERM "$outside"
ended
is "$rc" 129 "TERM reboots, as busybox's reboot asks for it"

boot "garbage"
like "$(cat "$tap_dir/console")" "stage description failed" "a description that cannot be read is reported"
ok "and survived" test -d "/proc/$outside"
kill -USR1 "$outside"
ended
is "$rc" 130 "USR1 powers off: a halted VM is of use to nobody"

rmdir "$root"
done_testing
