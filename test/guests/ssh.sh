#!/usr/bin/env bash
# ssh.sh - make the guest that OpenSSH serves, for the benches: out/guest/ssh/.
#
#	initrd       out/guest/initrd with Debian's sshd over it; "mkdir /run/sshd; /usr/sbin/sshd" starts it
#	client.tar   Debian's ssh with what it loads, its key and the guest's, for /
#
# The server comes out of its package: installing that would start one here. Keys are made anew.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh

out=$root/out/guest/ssh
need_packages "the guest with OpenSSH" openssh-client busybox-static cpio \
	libwrap0 libpam0g libaudit1 libsystemd0 libselinux1 libgssapi-krb5-2 libkrb5-3 libcom-err2 libssl3 zlib1g
test/guests/initrd.sh

# A package fetched before is good for ever: only an empty cache needs the network.
sshd_package() { find "$cache/openssh" -name 'openssh-server_*.deb' 2>/dev/null | sort -V | tail -n 1; }
sshd_fetch() {
	local log
	log=$(mktemp)
	mkdir -p "$cache/openssh"
	say "ssh: fetching openssh-server"
	(cd "$cache/openssh" && { apt-get -qq download openssh-server ||
		{ as_root apt-get -qq update && apt-get -qq download openssh-server; }; }) >"$log" 2>&1 ||
		{ apt_reason "$log"; rm -f "$log"; die "ssh: apt-get could not download openssh-server"; }
	rm -f "$log"
}
want=ssh missing=openssh-server
[ -n "$(sshd_package)" ] || sshd_fetch

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
dpkg-deb -x "$(sshd_package)" "$work/package"

# with_libraries PROGRAM TREE: the program goes where it is called, what it loads where it looks.
with_libraries() {
	local lib
	if ldd "$1" | grep 'not found' >&2; then die "ssh: ${1##*/} lacks libraries here"; fi
	for lib in $(ldd "$1" | grep -o '/[^ ]*'); do install -D "$lib" "$2$lib"; done
	install -D "$1" "$2/usr/${3:-bin}/${1##*/}"
}

guest=$work/guest client=$work/client
mkdir -p "$guest"/etc/ssh "$guest/root/.ssh" "$client/root/.ssh" "$out"
with_libraries "$work/package/usr/sbin/sshd" "$guest" sbin
with_libraries "$(command -v ssh)" "$client"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$guest/etc/ssh/host"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$client/root/.ssh/key"
cp "$client/root/.ssh/key.pub" "$guest/root/.ssh/authorized_keys"
echo "bench.vm $(cat "$guest/etc/ssh/host.pub")" >"$client/root/.ssh/known_hosts"
cat >"$client/root/.ssh/config" <<'END'
Host bench.vm
	User root
	IdentityFile /root/.ssh/key
	IdentitiesOnly yes
	UserKnownHostsFile /root/.ssh/known_hosts
	StrictHostKeyChecking yes
	ProxyCommand vmtool ssh-proxy %h:%p
	LogLevel ERROR
END
cat >"$guest/etc/ssh/sshd_config" <<'END'
ListenAddress 127.0.0.1
HostKey /etc/ssh/host
PermitRootLogin prohibit-password
UsePAM no
UseDNS no
MaxStartups 100
END
cat >"$guest/etc/passwd" <<'END'
root:x:0:0:root:/root:/bin/sh
sshd:x:100:65534::/run/sshd:/bin/false
END
chmod 700 "$guest/root" "$guest/root/.ssh" "$client/root/.ssh"
chmod 600 "$guest/etc/ssh/host" "$client/root/.ssh"/*

{ cat out/guest/initrd; (cd "$guest" && find . | LC_ALL=C sort | cpio --quiet -o -H newc -R 0:0); } >"$out/initrd.new"
mv "$out/initrd.new" "$out/initrd"
tar -C "$client" --owner=0 --group=0 -c . >"$out/client.tar"
say "guest with OpenSSH: out/guest/ssh/initrd, $(($(stat -c %s "$out/initrd") / 1024)) KiB"
