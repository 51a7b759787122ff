#!/usr/bin/env bash
# kernels.sh - three kernels as Debian packages them, for guests: out/guest/catalogue/kernels/debian{11,12,13}, each a folder
# of the catalogue, as `vmtool kernel add` makes it of what the package has.
#
# 11 is 5.10, 12 is 6.1, 13 is 6.12; 12's is the emulated host's own. The result is kept in the cache by the release alone:
# a warm cache never asks the network.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. test/lab/image.sh

store=$cache/guest/kernels
declare -A suites=([11]=bullseye [13]=trixie)

# fetch RELEASE: into its folder of the store, vmlinuz and modules/VERSION. Of 11 the archive of what was mended
# last has let some packages go; what it was released with is all there.
fetch() {
	local work log=$store/debian$1.log version
	need_packages "guests' kernels" mmdebstrap busybox-static kmod debian-archive-keyring
	say "Debian $1's kernel: fetching; log: $log"
	work=$(mktemp -d "$store/tmp.XXXXXX")
	chmod 755 "$store" "$work"
	mmdebstrap --variant=extract --include=linux-image-cloud-amd64 --aptopt='APT::Install-Recommends "0"' \
		--setup-hook='sed -i /security/d "$1"/etc/apt/sources.list' "${suites[$1]}" - 2>"$log" |
		tar -C "$work" -x --wildcards './boot/vmlinuz-*' './lib/modules/*' './usr/lib/modules/*' 2>>"$log" || true
	version=$(cd "$work" && ls boot | sed -n 's/^vmlinuz-//p')
	[ -n "$version" ] || { apt_reason "$log" >&2; die "Debian $1's kernel: mmdebstrap gave none; see $log"; }
	[ -d "$work/lib/modules" ] || mv -T "$work/usr/lib" "$work/lib"
	/sbin/depmod -b "$work" "$version" >>"$log" 2>&1
	mkdir "$work/tree"
	mv "$work/boot/vmlinuz-$version" "$work/tree/vmlinuz"
	mv "$work/lib/modules" "$work/tree/"
	mv -T "$work/tree" "$store/debian$1"
	rm -rf "$work"
}

mkdir -p "$store"
exec 9>"$store/lock"
flock 9
for release in 11 13; do [ -d "$store/debian$release" ] || fetch "$release"; done
[ -e "$store/debian12" ] || ln -s "$(lab_kernel)" "$store/debian12"
flock -u 9

export VMTOOL_HOME=$root/out/guest/catalogue
for folder in "$store"/debian1?; do
	name=${folder##*/}
	[ ! "$VMTOOL_HOME/kernels/$name/kernel.json" -nt out/vmtool ] || continue
	rm -rf "$VMTOOL_HOME/kernels/$name"
	out/vmtool kernel add "$folder/vmlinuz" --name "$name" --modules "$folder"/modules/* >&2
done

say "guests' kernels: $(cd out/guest/catalogue/kernels && ls | xargs)"
