#!/usr/bin/env bash
# ssh.sh - make the guest that OpenSSH serves, for benches and tests: out/guest/ssh/.
#
#	initrd       out/guest/initrd with Debian's sshd over it; "mkdir /run/sshd; /usr/sbin/sshd" starts it
#	client.tar   Debian's ssh, scp, sftp, ssh-keygen and rsync with what they load, its key and the guest's, for /
#
# The server comes out of its package: installing that would start one here. Keys are made anew.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. test/guests/openssh.sh

out=$root/out/guest/ssh
# shellcheck disable=SC2086 # one package each
need_packages "the guest with OpenSSH" openssh-client rsync busybox-static cpio $server_libraries
test/guests/initrd.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
server=$(server_package openssh-server)
dpkg-deb -x "$server" "$work/package"

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
with_libraries "$(command -v rsync)" "$guest"
for program in ssh scp sftp ssh-keygen rsync; do with_libraries "$(command -v $program)" "$client"; done
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
Subsystem sftp internal-sftp
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
