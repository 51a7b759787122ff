#!/usr/bin/env bash
# passt.sh - Debian's passt, for the lab: out/guest/passt.tar, to be unpacked over /.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. test/guests/program.sh

# The plain one: the other is for CPUs that the lab's is not.
pack_programs out/guest/passt.tar passt -- /usr/bin/passt
