#!/usr/bin/env bash
# servers.sh - SSH servers for tests on this machine: out/servers/ with Debian's sshd and dropbear.
#
# They come out of their packages: installing those would start servers here.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. test/guests/openssh.sh

out=out/servers
# shellcheck disable=SC2086 # one package each
need_packages "the SSH servers of the tests" openssh-client $server_libraries $dropbear_libraries

for name in openssh-server dropbear-bin; do
	package=$(server_package "$name")
	[ ! -e "$out/$name" ] || [ "$(cat "$out/$name")" != "$package" ] || continue
	work=$(mktemp -d)
	dpkg-deb -x "$package" "$work"
	mkdir -p "$out"
	for program in "$work"/usr/sbin/{sshd,dropbear} "$work"/usr/bin/dropbearkey; do
		[ ! -f "$program" ] || install "$program" "$out/"
	done
	rm -rf "$work"
	echo "$package" >"$out/$name"
done
