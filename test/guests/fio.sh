#!/usr/bin/env bash
# fio.sh - Debian's fio with what it loads, for guests of the lab: out/guest/fio.tar, to be unpacked over /.
#
# The libraries of engines that no test has a use for (ceph's, gluster's, RDMA's) are ten times as big as all the rest:
# fio gets empty ones instead, in which every function it names ends it.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. test/guests/openssh.sh

out=out/guest/fio.tar
need_packages "fio for guests" gcc binutils
package=$(server_package fio)
libaio=$(server_package libaio1)
[ ! "$out" -nt "$package" ] || [ ! "$out" -nt "$0" ] || exit 0
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-deb -x "$package" "$work/package"
dpkg-deb -x "$libaio" "$work/package"
program=$work/package/usr/bin/fio
libraries=$work/tree/lib/x86_64-linux-gnu
mkdir -p "$libraries" "$work/tree/lib64" "$work/tree/usr/bin"

# make_empty LIBRARY: with all that fio wants of it, in the versions it wants. Where a library has none, one stands for all.
make_empty() {
	: >"$work/map"
	readelf -W --version-info --dyn-syms "$program" | awk -v library="$1" -v dir="$work" '
		/Version:.*File:/ { file = $0; sub(/.*File: /, "", file); sub(/ .*/, "", file) }
		/Name: .*Flags:/ { name = $0; sub(/.*Name: /, "", name); sub(/ .*/, "", name); of[name] = file }
		$5 == "GLOBAL" && $7 == "UND" { n = split($8, part, "@"); want[part[1]] = n > 1 ? part[2] : "" }
		END {
			for (version in of) if (of[version] == library) print version " { };" >(dir "/map")
			print "#include <stdlib.h>" >(dir "/empty.c")
			for (f in want) {
				version = want[f]
				if (version == "" && library == "librados.so.2")
					print "void " f "(void) { abort(); }" >(dir "/empty.c")
				if (version == "" || of[version] != library)
					continue
				print "void " f "_(void) { abort(); }" >(dir "/empty.c")
				print "__asm__(\".symver " f "_, " f "@@@" version "\");" >(dir "/empty.c")
			}
		}'
	local versions=()
	[ ! -s "$work/map" ] || versions=(-Wl,--version-script,"$work/map")
	gcc -w -shared -fPIC -Wl,-soname,"$1" "${versions[@]}" "$work/empty.c" -o "$libraries/$1"
}

for library in $(readelf -d "$program" | sed -n 's/.*(NEEDED).*\[\(.*\)\]/\1/p'); do
	case $library in
	libc.so.6 | libm.so.6 | libz.so.1) cp -L "/lib/x86_64-linux-gnu/$library" "$libraries/" ;;
	libaio.so.1) cp -L "$(find "$work/package" -name libaio.so.1)" "$libraries/" ;;
	*) make_empty "$library" ;;
	esac
done
cp -L /lib64/ld-linux-x86-64.so.2 "$work/tree/lib64/"
cp "$program" "$work/tree/usr/bin/fio"
tar -C "$work/tree" --owner=0 --group=0 -c . >"$out.new"
touch "$out.new"
mv "$out.new" "$out"
say "fio for guests: $out, $(($(stat -c %s "$out") / 1024)) KiB"
