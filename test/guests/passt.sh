#!/usr/bin/env bash
# passt.sh - Debian's passt with what it loads, for the lab: out/guest/passt.tar, to be unpacked over /.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. test/guests/openssh.sh

out=out/guest/passt.tar
package=$(server_package passt)
[ ! "$out" -nt "$package" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-deb -x "$package" "$work/package"
# The plain one: the other is for CPUs that the lab's is not.
program=$work/package/usr/bin/passt
for library in $(ldd "$program" | grep -o '/[^ ]*'); do install -D "$library" "$work/tree$library"; done
install -D "$program" "$work/tree/usr/bin/passt"
mkdir -p "$(dirname "$out")"
tar -C "$work/tree" --owner=0 --group=0 -c . >"$out.new"
touch "$out.new"
mv "$out.new" "$out"
say "passt for the lab: $out, $(($(stat -c %s "$out") / 1024)) KiB"
