#!/usr/bin/env bash
# ssh.sh - make the guest that OpenSSH serves, and Dropbear, for benches and tests: out/guest/ssh/.
#
#	initrd       out/guest/initrd with Debian's sshd and dropbear over it; "mkdir /run/sshd; /usr/sbin/sshd" starts one,
#	             "/usr/sbin/dropbear -s -p 127.0.0.1:2222" the other
#	client.tar   Debian's ssh, scp, sftp, ssh-keygen and rsync with what they load, its key and the guest's, for /
#
# The servers come out of their packages: installing those would start them here. Keys are made anew.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. test/guests/openssh.sh

out=$root/out/guest/ssh
# shellcheck disable=SC2086 # one package each
need_packages "the guest with OpenSSH" openssh-client rsync busybox-static cpio $server_libraries $dropbear_libraries
test/guests/initrd.sh

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
for name in openssh-server dropbear-bin; do
	package=$(server_package "$name") # whose failure is to be ours
	dpkg-deb -x "$package" "$work/package"
done

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
with_libraries "$work/package/usr/sbin/dropbear" "$guest" sbin
with_libraries "$(command -v rsync)" "$guest"
for program in ssh scp sftp ssh-keygen rsync; do with_libraries "$(command -v $program)" "$client"; done
ssh-keygen -q -t ed25519 -N '' -C '' -f "$guest/etc/ssh/host"
ssh-keygen -q -t ed25519 -N '' -C '' -f "$client/root/.ssh/key"
mkdir "$guest/etc/dropbear"
for type in ecdsa ed25519; do
	file=$guest/etc/dropbear/dropbear_${type}_host_key
	"$work/package/usr/bin/dropbearkey" -t $type -f "$file" 2>&1 | sed -n '/^ecdsa\|^ssh/p' >"$client/root/.ssh/dropbear_$type.pub"
done
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
