#!/usr/bin/env bash
# demo.sh - the main job, on whatever machine this is: a microVM from nothing to a command run in it.
#
# On this host's own KVM where that can boot a kernel, else in the emulated KVM host (which is slow:
# it emulates every instruction of a machine in which a machine runs).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. build/common.sh

files=(-f test/demo_guest.sh)
# Ours takes some minutes to build; whoever comes for the first time need not wait for them.
kernel-config/build.sh --if-built || {
	test/guests/kernel.sh
	files+=(-f out/guest/kernel)
	say "demo: with Debian's own kernel, since ours (./build.sh kernel) is not built yet"
}
test/guests/initrd.sh
exec test/lab/lab.sh --auto "${files[@]}" -- sh /lab/in/demo_guest.sh </dev/null
