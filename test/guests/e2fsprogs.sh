#!/usr/bin/env bash
# e2fsprogs.sh - Debian's mke2fs and e2fsck with what they load: out/guest/e2fsprogs.tar, to be unpacked over /.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. test/guests/program.sh

pack_programs out/guest/e2fsprogs.tar e2fsprogs libext2fs2 libss2 libcom-err2 libblkid1 libuuid1 \
	-- /sbin/mke2fs /sbin/e2fsck
