#!/usr/bin/env bash
# stress.sh - Debian's stress-ng, and what makes and checks a disk for it, for the lab and a guest:
# out/guest/stress.tar, to be unpacked over /.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. test/guests/program.sh

# What it loads goes as far as graphics.
pack_programs out/guest/stress.tar stress-ng libapparmor1 libbsd0 libmd0 libegl1 libgles2 libglvnd0 libgbm1 libdrm2 \
	libwayland-server0 libffi8 libexpat1 libxcb-randr0 libxcb1 libxau6 libxdmcp6 libipsec-mb1 libjpeg62-turbo \
	libjudydebian1 libkmod2 libsctp1 libxxhash0 zlib1g libssl3 libzstd1 liblzma5 e2fsprogs libext2fs2 libcom-err2 libss2 libblkid1 libuuid1 \
	-- /usr/bin/stress-ng /sbin/mke2fs /sbin/e2fsck
