#!/usr/bin/env bash
# The guest kernel: Debian's linux-source-6.1 and the fragments beside this
# script make out/kernel/{vmlinux,config,version}.
#
#	kernel-config/build.sh [--refresh | --if-built]
#
# The result is kept in the cache under the hash of what was asked for and of
# how it is built. The revision of Debian's source is not part of that hash, but
# written into `version`: a warm cache never asks the network, and --refresh
# takes the newest source when that is wanted. --if-built builds nothing, and fails without a word
# where the cache has no such kernel.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/.."
. build/common.sh

package=linux-source-6.1
label="the guest kernel"
arch=$(uname -m)
fragments=(kernel-config/common.config "kernel-config/$arch.config")
store=$cache/kernel
out=out/kernel

refresh=0 if_built=0
case ${1-} in
'') ;;
--refresh) refresh=1 ;;
--if-built) if_built=1 ;;
*) die_usage "kernel: unknown argument '$1'; there are --refresh and --if-built" ;;
esac
[ -f "${fragments[1]}" ] ||
	die "kernel: ${fragments[1]} does not exist; the guest kernel is only described for $(basename -a -s .config kernel-config/*.config | grep -v common | xargs)"
kernel-config/check.sh "${fragments[@]}" ||
	die "kernel: the fragments are not in order; correct the lines above"

download() { (cd "$work/deb" && apt-get -qq download "$package"); }

# The lists are root's; the package itself anybody may download.
update_lists() {
	if [ "$(id -u)" -eq 0 ]; then apt-get -qq update; else sudo -n apt-get -qq update; fi
}

# The .deb is unpacked in the cache and not installed: the host gains nothing
# that it must later remove, and 139 MB are not kept twice.
fetch_source() {
	mkdir -p "$store/source"
	debs=("$store/source/$package"_*.deb)
	[ "$refresh" -eq 0 ] && [ -f "${debs[0]}" ] && return
	mkdir "$work/deb"
	# Old lists would name an old kernel; without fresh ones it is better than none.
	{ update_lists || true; download; } >"$log" 2>&1 || {
		apt_reason "$log" >&2
		die "kernel: apt-get could not download $package; is the package mirror configured and reachable?"
	}
	rm -f "$store/source"/*.deb
	mv "$work/deb"/*.deb "$store/source/"
	debs=("$store/source/$package"_*.deb)
}

# Equal inputs give equal bytes: no host, user or time of day in the kernel.
kmake() {
	make -C "$tree" -j"$jobs" KBUILD_BUILD_USER=vmtool KBUILD_BUILD_HOST=debian KBUILD_BUILD_VERSION=1 \
		KBUILD_BUILD_TIMESTAMP="$(date -u -r "$tree/Makefile" '+%F %T UTC')" "$@" >>"$log" 2>&1
}

# What is asked for, without the reasons.
asked() { sed -E 's/[[:space:]]*#.*//; /^$/d' "${fragments[@]}"; }

# allnoconfig and not the defaults: an option that nobody gave a reason for is off.
compile() {
	asked >"$work/asked"
	kmake KCONFIG_ALLCONFIG="$work/asked" allnoconfig || die "kernel: allnoconfig failed; see $log"
	kernel-config/check.sh -c "$tree/.config" -s "$tree" "${fragments[@]}" ||
		die "kernel: Kconfig overruled the lines above; correct them in kernel-config/"
	kmake vmlinux || {
		grep -E 'error|Error|undefined reference' "$log" | head -n 5 >&2
		die "kernel: the compilation failed; see $log"
	}
	kernel-config/squeeze.pl "$tree/vmlinux" "$work/result/vmlinux" ||
		die "kernel: the linked vmlinux could not be squeezed; correct kernel-config/squeeze.pl"
	cp "$tree/.config" "$work/result/config"
}

# Everything that decides the bytes; a better reason or sentence does not.
key=$({ asked; declare -f kmake compile; cat kernel-config/squeeze.pl; } | key_of)
kept=$store/$key
log=$store/$key.log
work=$store/work

build() {
	local began=$SECONDS revision
	need_packages "$label" gcc libc6-dev make flex bison bc libelf-dev xz-utils
	rm -rf "$work"
	trap 'rm -rf "$work"' EXIT
	mkdir -p "$work/result"
	fetch_source
	revision=$(dpkg-deb -f "${debs[0]}" Version)
	say "guest kernel: building from $package $revision, some minutes; log: $log"

	: >"$log"
	dpkg-deb --fsys-tarfile "${debs[0]}" | tar -xO "./usr/src/$package.tar.xz" |
		tar -xJ -C "$work" --exclude='*/drivers/gpu/*.[ch]'	# a third of it, and never compiled
	tree=$work/$package
	compile
	cp "$tree/System.map" "$work/result/"	# names for the addresses of an oops
	{
		echo "linux $(make -s -C "$tree" kernelrelease)"
		echo "source $package $revision"
		echo "compiler $(gcc --version | head -n 1)"
		echo "seconds $((SECONDS - began))"
	} >"$work/result/version"

	rm -rf "$kept"
	mv "$work/result" "$kept"
	mv "$log" "$kept/log"
}

[ "$if_built" -eq 0 ] || [ -f "$kept/vmlinux" ] || exit 1
mkdir -p "$store" "$out"
# One build at a time; whoever waited finds the other's result.
exec 9>"$store/lock"
if [ "$refresh" -eq 1 ] || [ ! -f "$kept/vmlinux" ]; then
	flock 9
	if [ "$refresh" -eq 1 ] || [ ! -f "$kept/vmlinux" ]; then
		build
	fi
	flock -u 9
fi
for f in vmlinux config version; do
	cmp -s "$kept/$f" "$out/$f" || { cp "$kept/$f" "$out/$f.$$" && mv "$out/$f.$$" "$out/$f"; }
done
say "guest kernel: $out/vmlinux, $(sed -n 's/^linux //p' "$out/version"), $(($(stat -c %s "$out/vmlinux") / 1024)) KiB"
