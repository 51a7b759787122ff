#!/usr/bin/env bash
# disks.sh - make the disk images of the tests: out/guest/disk/*.img.
#
# An ext4 file system with a file in it, made as a person would: by e2fsprogs. Sparse, and thus
# small in the lab's archive as long as they stay small.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh

out=out/guest/disk
need_packages "the disk images" e2fsprogs
PATH=$PATH:/sbin:/usr/sbin

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
mkdir "$work/tree" "$work/out"
echo "made by the host" >"$work/tree/hello"
truncate -s 16M "$work/out/ext4.img"
mke2fs -q -F -t ext4 -L first -U 11111111-1111-4111-8111-111111111111 \
	-d "$work/tree" "$work/out/ext4.img"
rm -rf "$out"
mkdir -p "$(dirname "$out")"
mv "$work/out" "$out"
say "disk images: $out"
