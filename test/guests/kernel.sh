#!/usr/bin/env bash
# kernel.sh - a kernel as Debian packages it, with its modules, for guests: out/guest/kernel.
#
# It is the emulated host's own, and of its modules those alone that a guest may want: the emulated
# host keeps all of this in memory.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. test/lab/image.sh

out=out/guest/kernel
wanted=(virtio_pci vmw_vsock_virtio_transport virtio_blk overlay virtio_net virtio_rng virtio_balloon virtio_console
	button ptp_kvm pvpanic_mmio dm_mod)
need_packages "the guest with a packaged kernel" busybox-static
kernel=$(lab_kernel)
version=$(ls "$kernel/modules")

[ "$(cat "$out/of" 2>/dev/null)" != "$kernel ${wanted[*]}" ] || exit 0
rm -rf "$out"
modules=$out/modules/$version
mkdir -p "$modules"
cp "$kernel/vmlinuz" "$out/"
cp "$kernel/modules/$version"/modules.{dep,builtin} "$modules/"
lab_modules "$modules/modules.dep" "${wanted[@]}" >"$out/list"
while read -r path; do
	install -D -m 644 "$kernel/modules/$version/$path" "$modules/$path"
done <"$out/list"
rm "$out/list"
echo "$kernel ${wanted[*]}" >"$out/of"
