#!/usr/bin/env bash
# demo.sh - the main job, on whatever machine this is: a microVM from nothing to a command run in it.
#
# On this host's own KVM where that can boot a kernel, else in the emulated KVM host (which is slow:
# it emulates every instruction of a machine in which a machine runs).
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. build/common.sh

kernel-config/build.sh
test/guests/initrd.sh
exec test/lab/lab.sh --auto -f test/demo_guest.sh -- sh /lab/in/demo_guest.sh </dev/null
