#!/usr/bin/env bash
# lab.sh [--auto] [-t] [-o DIR] [-f FILE]... [-- CMD ARG...] - CMD in an emulated KVM host.
#
#	-f FILE   is there as /lab/in/NAME (a folder too)
#	-o DIR    gets what is written to /lab/out, and console.log; else out/lab
#	-t        gives CMD a terminal
#	--auto    this host's own KVM where it can boot a kernel, the emulated one otherwise
#	(no CMD)  a shell
#
# LAB=tcg, LAB=host and LAB=auto in the environment say where, over --auto; without either it is
# the emulated one. LAB_SILENCE is how many seconds it may go without a heartbeat (60). LAB_CLOCK is
# what the emulated one's clocks go by: "counted" instructions, idle time skipped; "paced", where idle
# time passes (with a terminal that is the default); or "host", this host's clocks.
#
# The host is QEMU without hardware help (test/lab/machine.c); test/lab/init.c is its PID 1 and
# test/lab/runner.c stands for CMD here: argv arrives unchanged, streams apart, exit status exact.
# 125 is the lab's own failure.
set -euo pipefail
shopt -s inherit_errexit
here=$PWD
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. build/toolchain.sh
. test/lab/image.sh
. test/lab/emulator.sh
. test/lab/host.sh

usage() { sed -n '2s/^# /usage: /p' "$0" >&2; exit 2; }

# Paths are relative to where the caller stands, not to this checkout.
from_here() { case $1 in /*) echo "$1" ;; *) echo "$here/$1" ;; esac; }

where=${LAB:-}
terminal=0
out=$root/out/lab
files=()
while [ $# -gt 0 ]; do
	case $1 in
	--auto) where=${where:-auto} ;;
	-t) terminal=1 ;;
	-f) [ $# -ge 2 ] || usage; files+=("$(from_here "$2")"); shift ;;
	-o) [ $# -ge 2 ] || usage; out=$(from_here "$2"); shift ;;
	--) shift; break ;;
	*) usage ;;
	esac
	shift
done
[ $# -gt 0 ] || {
	set -- sh -l
	if [ -t 0 ] && [ -t 1 ]; then terminal=1; fi
}
for file in "${files[@]}"; do
	[ -e "$file" ] || die "lab: -f $file: no such file"
done

# stage_built FILE DIR HOW: what the build makes and the lab can do without, but not silently.
stage_built() {
	if [ -f "$1" ]; then cp "$1" "$2"; else say "lab: no $1 here, so none there; $3 makes it"; fi
}

# What a run adds to the root, in DIR.
stage() {
	local dir=$1 file
	mkdir -p "$dir"/lab/{in,out} "$dir/bin"
	stage_built out/vmtool "$dir/bin/" ./build.sh
	stage_built out/kernel/vmlinux "$dir/lab/" "./build.sh kernel"
	[ ! -f out/guest/initrd ] || cp out/guest/initrd "$dir/lab/"
	for file in "${files[@]}"; do
		if [ -d "$file" ]; then cp -a "$file" "$dir/lab/in/"; else cp -pL "$file" "$dir/lab/in/"; fi
	done
}

run_emulated() {
	local emulator kernel frozen tools clock=counted
	need_packages lab qemu-system-x86 busybox-static gcc musl-dev linux-libc-dev
	emulator=$(lab_emulator)
	kernel=$(lab_kernel)
	tools=$(lab_tools)
	[ "$terminal" = 0 ] || clock=paced
	clock=${LAB_CLOCK:-$clock}
	frozen=$(lab_frozen "$emulator" "$kernel" "$tools" "$clock")
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	stage "$work/root"
	cpio_of "$work/root" >"$work/stage"
	# Open and without a name: whatever ends this, nothing is left behind.
	exec 9<>"$work/stage"
	rm -rf "$work"
	trap - EXIT
	exec "$tools/runner" "$emulator" "$kernel/vmlinuz" "$frozen" "$clock" /dev/fd/9 "$out" \
		"${LAB_SILENCE:-60}" "$terminal" "$@"
}

mkdir -p "$out"
case ${where:-tcg} in
tcg) run_emulated "$@" ;;
host) run_on_host "$@" ;;
auto)
	if verdict=$(lab_doctor); then
		say "lab: on this host's own KVM: $verdict"
		run_on_host "$@"
	else
		say "lab: in an emulated KVM host: $verdict"
		run_emulated "$@"
	fi
	;;
*) die_usage "LAB=$where: neither tcg, host nor auto" ;;
esac
