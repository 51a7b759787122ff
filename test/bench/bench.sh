#!/usr/bin/env bash
# bench.sh [NAME...] - vmtool against its peers, in pairs, inside one run of the lab for each.
#
# Prints a table and writes out/bench.json (contracts.md, "bench"). Three groups, and only what is
# asked for runs: how late a script learns that its guest is ready (ready_delay, against loops that ask
# and against two processes that only wait for each other) and what `start` and its agent use meanwhile
# (start_cpu; 10000 us/s are 1 %); starting a VM against QEMU microvm (boot_to_init,
# vmm_memory_outside_ram, exits_per_boot, start_to_ready), the same with four CPUs, disks, a card, entropy and a
# balloon (..._all_devices), and how these three numbers grow with CPUs, memory and disks (growth, a table of its own); sessions in one guest against OpenSSH (exec_roundtrip,
# exec_roundtrip_master, agent_memory), and copies out of the guest (exec_throughput,
# stream_throughput) and into it (..._input_throughput). A copy is compared with two peers. One is a
# program in the guest that itself speaks vsock, and is no command and no tcp server: a byte is copied
# three times on its way to that, five times by a stream and by exec where its stdout is a pipe. The
# other (..._relayed) does what we do with the least that can do it, as socat would: the same bytes
# between the same host pipe and the same command or tcp server of the guest, through one plain vsock
# connection and a process at each end of it that only reads and writes. The forwards, too, have such
# relays for a peer: a connection made, a byte there and back (forward_roundtrip), and bytes each way. What waits
# for SSH servers and what reads known_hosts (probe_..., known_hosts_...) is measured on this machine itself,
# against a loop that asks and against ssh-keygen; so is a list of a thousand VMs (ls_thousand), against what a shell has.
# A disk (disk_..., test/bench/diskload.c past the guest's page cache) is a file in the lab's memory, under ours and under
# QEMU as it comes and with aio=io_uring (..._io_uring): 4 KiB at random, 32 at a time or one (1), and 256 KiB
# in order; there a ratio above 1 is ours.
# Network cards on a tap, by us and by vhost-net, and on passt, and the socket device, are measured against QEMU's
# (tap_..., vhost_..., passt_..., vsock_...), each way by TCP and a byte there and back.
# PAIRS=N (default 10) counted pairs after one that is not; MIB and CPUS set the guest's size (256,
# 1), COPY_MIB what a copy copies (16). The numbers are ratios of medians taken side by side:
# absolute ones say more about the machine than about either.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. build/ninja.sh

names=("$@")
boots="boot_to_init vmm_memory_outside_ram exits_per_boot start_to_ready"
boots+=" boot_all_devices memory_all_devices exits_all_devices growth"
copies="exec_throughput exec_throughput_relayed exec_input_throughput exec_input_throughput_relayed"
copies+=" stream_throughput stream_throughput_relayed"
copies+=" stream_input_throughput stream_input_throughput_relayed"
forwards="forward_roundtrip forward_throughput forward_input_throughput"
sessions="exec_roundtrip exec_roundtrip_master $copies $forwards agent_memory"
delays="ready_delay ready_delay_3s ready_delay_bare start_cpu"
waits="probe_delay probe_delay_closed probe_wait_cpu known_hosts_check known_hosts_pin known_hosts_hashed"
lists="ls_thousand"
disks="disk_randread disk_randread1 disk_randwrite disk_read disk_write"
disks+=" disk_randread_io_uring disk_randread1_io_uring disk_randwrite_io_uring disk_read_io_uring disk_write_io_uring"
cards=""
for card in tap vhost passt vsock; do cards+=" ${card}_throughput ${card}_input_throughput ${card}_roundtrip"; done
known="$boots $sessions $delays $waits $lists $disks$cards"
[ ${#names[@]} -gt 0 ] || read -ra names <<<"$known"
for name in "${names[@]}"; do
	[[ " $known " == *" $name "* ]] || die_usage "bench $name: no such bench; there are: $known"
done
pairs=${PAIRS:-10}
# What emulation costs is part of what is compared.
export LAB_CLOCK=${LAB_CLOCK:-host}
out=$root/out/bench

need_packages_for build
need_packages "the benchmark" qemu-system-x86 busybox-static cpio perl
ninja_write release
ninja_run release out/vmtool tools
kernel-config/build.sh
test/guests/initrd.sh
mkdir -p "$out"

: >"$out/samples"

# Debian's QEMU with what it loads, to be unpacked over the lab's root.
pack_qemu() {
	local qemu
	qemu=$(command -v qemu-system-x86_64)
	ldd "$qemu" | grep -o '/[^ ]*' | while read -r lib; do echo "$lib"; readlink -f "$lib"; done
	echo "$qemu"
	find /usr/share/qemu /usr/share/seabios -maxdepth 1 \
		\( -name 'bios-microvm.bin' -o -name 'pvh.bin' -o -name 'linuxboot_dma.bin' \) 2>/dev/null
	dirname "$(ldd "$qemu" | grep -o '/[^ ]*/ld-linux[^ ]*')" | sed 's|$|/ld-linux-x86-64.so.2|'
}

# make_guest PROGRAM: one whose init it is, as $out/initrd; and QEMU, to start it.
make_guest() {
	rm -rf "$out/tree"
	mkdir -p "$out/tree/dev"
	cp "out/tools/$1" "$out/tree/init"
	mknod "$out/tree/dev/console" c 5 1 2>/dev/null ||
		die "bench: making /dev/console for the guest needs root"
	(cd "$out/tree" && find . | cpio --quiet -o -H newc) >"$out/initrd"
	pack_qemu | sort -u | sed 's|^/||' | tar -C / -c --files-from=- --dereference 2>/dev/null >"$out/qemu.tar"
}

bench_boots() {
	make_guest init

	say "bench: $pairs pairs, ${MIB:-256} MiB, ${CPUS:-1} CPU, in the lab"
	LAB=${LAB:-tcg} test/lab/lab.sh -f test/bench/pairs.sh -f out/tools/bootclock -f "$out/initrd" -f "$out/qemu.tar" \
		-- sh /lab/in/pairs.sh "$pairs" "${MIB:-256}" "${CPUS:-1}" "${names[@]}" >>"$out/samples"
}

# The guest has OpenSSH's server beside ours.
bench_sessions() {
	test/guests/ssh.sh
	cp out/guest/ssh/initrd "$out/ssh.initrd"
	say "bench: $pairs pairs of sessions, copies of ${COPY_MIB:-16} MiB, in the lab"
	LAB=${LAB:-tcg} test/lab/lab.sh -f test/bench/sessions.sh -f out/tools/gauge -f out/tools/crowd -f "$out/ssh.initrd" \
		-f out/guest/ssh/client.tar -- sh /lab/in/sessions.sh "$pairs" "${COPY_MIB:-16}" "${names[@]}" >>"$out/samples"
}

bench_delays() {
	rm -rf "$out/gauge" && mkdir -p "$out/gauge/bin"
	cp out/tools/gauge "$out/gauge/bin/gauge"
	{ cat out/guest/initrd; (cd "$out/gauge" && find . | cpio --quiet -o -H newc -R 0:0); } >"$out/gauge.initrd"
	say "bench: $pairs pairs of starts and of loops, in the lab"
	LAB=${LAB:-tcg} test/lab/lab.sh -f test/bench/delays.sh -f out/tools/gauge -f "$out/gauge.initrd" \
		-- sh /lab/in/delays.sh "$pairs" "${names[@]}" >>"$out/samples"
}

bench_disks() {
	make_guest diskload
	say "bench: $pairs pairs of loads on a disk, in the lab"
	LAB=${LAB:-tcg} test/lab/lab.sh -f test/bench/disks.sh -f out/tools/bootclock -f "$out/initrd" -f "$out/qemu.tar" \
		-- sh /lab/in/disks.sh "$pairs" "${MIB:-256}" >>"$out/samples"
}

bench_cards() {
	test/guests/passt.sh
	make_guest lane
	say "bench: $pairs pairs of VMs a card, ${CARD_MIB:-64} MiB each way, in the lab"
	LAB=${LAB:-tcg} test/lab/lab.sh -f test/bench/cards.sh -f test/vm/outside.sh -f out/tools/lane -f "$out/initrd" -f "$out/qemu.tar" \
		-f out/guest/passt.tar -- sh /lab/in/cards.sh "$pairs" "${CARD_MIB:-64}" "${names[@]}" >>"$out/samples"
}

bench_waits() {
	need_packages "the benches of ssh" openssh-client perl
	say "bench: $pairs pairs of waits and of known_hosts, on this machine"
	bash test/bench/ssh.sh "$pairs" out/vmtool out/tools/herald "${names[@]}" >>"$out/samples"
}

# No VM runs for it: on this host.
bench_lists() {
	say "bench: $pairs pairs of lists of a thousand VMs, on this host"
	bash test/bench/listing.sh "$pairs" >>"$out/samples"
}

# is_asked NAME...: one of them was.
is_asked() {
	local name
	for name; do [[ " ${names[*]} " != *" $name "* ]] || return 0; done
	return 1
}

# shellcheck disable=SC2086
{
	if is_asked $boots; then bench_boots; fi
	if is_asked $sessions; then bench_sessions; fi
	if is_asked $delays; then bench_delays; fi
	if is_asked $waits; then bench_waits; fi
	if is_asked $lists; then bench_lists; fi
	if is_asked $disks; then bench_disks; fi
	if is_asked $cards; then bench_cards; fi
}
exec perl test/bench/report.pl "$out/samples" out/bench.json "${names[@]}"
