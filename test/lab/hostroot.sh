#!/usr/bin/env bash
# hostroot.sh STAGE ROOT OUT CMD ARG... - CMD on a root that is this host's, and has /lab.
#
# Called by host.sh in a mount namespace of its own. STAGE is what a run brings along and is
# removed here; ROOT is an empty folder to build on; OUT becomes /lab/out.
set -euo pipefail
stage=$1 root=$2 out=$3
shift 3
trap 'rm -rf "$stage"' EXIT

mount -t tmpfs -o mode=755 lab "$root"
for entry in /* /.[!.]*; do
	if [ -L "$entry" ]; then
		cp -P "$entry" "$root/"
	elif [ -d "$entry" ] && [ "$entry" != /lab ]; then
		mkdir "$root$entry"
		mount --rbind "$entry" "$root$entry"
	fi
done
mv "$stage/lab" "$root/lab"
mv "$stage/bin" "$root/lab/bin"
mkdir "$root/lab/home"
mount --bind "$out" "$root/lab/out"
rm -rf "$stage"
trap - EXIT

# The old root goes out of reach; a plain chroot would deny CMD user namespaces.
cd "$root"
pivot_root . .
umount -l .
cd /lab
exec env -u VMTOOL_HOME -u XDG_STATE_HOME -u XDG_RUNTIME_DIR \
	LAB=host HOME=/lab/home PATH="/lab/bin:$PATH" "$@"
