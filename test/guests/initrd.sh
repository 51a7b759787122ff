#!/usr/bin/env bash
# initrd.sh - make the small guest of the tests and the demo: out/guest/initrd.
#
# Debian's static busybox and a few empty folders, as a newc cpio. It has no
# /init: vmtool appends its own. Equal inputs give equal bytes, so images that
# are kept by hash stay the same.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh

out=out/guest/initrd
need_packages "the guest initramfs" busybox-static cpio

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
tree=$work/tree
mkdir -p "$tree"/{bin,dev,etc,proc,root,run,sys,tmp}
ln -s bin "$tree/sbin"
mkdir "$tree/usr"
ln -s ../bin "$tree/usr/bin"
ln -s ../bin "$tree/usr/sbin"

cp /bin/busybox "$tree/bin/busybox"
# Every applet but the two that would claim to be PID 1.
"$tree/bin/busybox" --list | grep -vx -e busybox -e init -e linuxrc |
	while read -r name; do ln -s busybox "$tree/bin/$name"; done

cat >"$tree/etc/passwd" <<-'END'
	root:x:0:0:root:/root:/bin/sh
	guest:x:1000:1000:guest:/tmp:/bin/sh
END
cat >"$tree/etc/group" <<-'END'
	root:x:0:
	guest:x:1000:
END

chmod 0755 "$tree" "$tree"/{bin,dev,etc,proc,run,sys,usr} "$tree/bin/busybox"
chmod 0644 "$tree"/etc/*
chmod 0700 "$tree/root"
chmod 1777 "$tree/tmp"
find "$tree" -exec touch -h -d @0 {} +

mkdir -p "$(dirname "$out")"
(cd "$tree" && find . | LC_ALL=C sort |
	cpio --quiet --reproducible -o -H newc -R 0:0) >"$out.new"
mv "$out.new" "$out"
say "guest initramfs: $out, $(($(stat -c %s "$out") / 1024)) KiB"
