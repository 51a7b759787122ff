#!/usr/bin/env bash
# servers.sh - SSH servers for tests on this machine: out/servers/ with Debian's sshd and dropbear.
#
# They come out of their packages: installing those would start servers here.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh

out=out/servers
want="the SSH servers of the tests" missing="openssh-server dropbear-bin"
need_packages "$want" openssh-client libwrap0 libpam0g libaudit1 libsystemd0 libselinux1 libgssapi-krb5-2 \
	libkrb5-3 libcom-err2 libssl3 zlib1g libtomcrypt1 libtommath1 libcrypt1

# A package fetched before is good for ever: only an empty cache needs the network.
package() { find "$cache/openssh" -name "${1}_*.deb" 2>/dev/null | sort -V | tail -n 1; }
fetch() {
	local log
	log=$(mktemp)
	mkdir -p "$cache/openssh"
	say "servers: fetching $1"
	(cd "$cache/openssh" && { apt-get -qq download "$1" ||
		{ as_root apt-get -qq update && apt-get -qq download "$1"; }; }) >"$log" 2>&1 ||
		{ apt_reason "$log"; rm -f "$log"; die "servers: apt-get could not download $1"; }
	rm -f "$log"
}

for name in $missing; do
	[ -n "$(package "$name")" ] || fetch "$name"
	[ ! -e "$out/$name" ] || [ "$(cat "$out/$name")" != "$(package "$name")" ] || continue
	work=$(mktemp -d)
	dpkg-deb -x "$(package "$name")" "$work"
	mkdir -p "$out"
	for program in "$work"/usr/sbin/{sshd,dropbear} "$work"/usr/bin/dropbearkey; do
		[ ! -f "$program" ] || install "$program" "$out/"
	done
	rm -rf "$work"
	package "$name" >"$out/$name"
done
