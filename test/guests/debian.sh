#!/usr/bin/env bash
# debian.sh [12|13] - make a guest that is booted by its own init: out/guest/debian/root.img, or
# out/guest/debian13/root.img, in ext4.
#
# Debian with systemd, udev, dbus, logind and OpenSSH as their packages set them up, and nothing of
# vmtool's; root's password is empty. 13 has its kernel as well, with its modules and the initramfs that
# its own tools make: what somebody has who installs it. What no test reads stays outside: an emulated host
# keeps all of it in memory. The image is made inside mmdebstrap's own namespace, where owners are right
# without root.
#
# The result is kept in the cache under the hash of how it is made. The revisions of Debian's packages
# are not part of that: a warm cache never asks the network.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh

packages=systemd,systemd-sysv,udev,dbus,libpam-systemd,openssh-server
unread=(man doc info locale i18n zoneinfo lintian bash-completion zsh)
free_mib=24	# what a guest may write beyond what is there

store=$cache/guest

# image TREE FILE: small, because the lab carries zeros as well. Without the /proc and /sys that
# mmdebstrap has mounted there: a bind mount leaves out what is mounted below.
image() {
	local mib view=$2.tree
	mkdir "$view"
	mount --bind "$1" "$view"
	mib=$(du -sm --apparent-size "$view" | cut -f1)
	mke2fs -q -t ext4 -L debian -m 0 -N 16384 -J size=4 -d "$view" "$2" "$((mib * 11 / 10 + free_mib))M"
	chmod 0644 "$2"
}

if [ "${1-}" = --image ]; then
	PATH=$PATH:/sbin:/usr/sbin
	image "$2" "$3"
	exit
fi

release=${1:-12}
case $release in
12) suite=bookworm name=debian ;;
13) suite=trixie name=debian13 packages+=,linux-image-cloud-amd64,initramfs-tools,kmod ;;
*) die_usage "debian.sh: there are 12 and 13, not '$release'" ;;
esac
out=out/guest/$name
key=$({ echo "$release"; cat test/guests/debian.sh; } | key_of)
kept=$store/$name-$key.img

build() {
	local work log=$store/$name.log folder exclude=()
	need_packages "the guest with systemd" mmdebstrap e2fsprogs uidmap debian-archive-keyring
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	chmod 1777 "$work"	# mmdebstrap is another user in its namespace
	for folder in "${unread[@]}"; do
		exclude+=("--dpkgopt=path-exclude=/usr/share/$folder/*")
	done
	exclude+=("--dpkgopt=path-exclude=/usr/lib/udev/hwdb.d/*" "--dpkgopt=path-exclude=/usr/lib/x86_64-linux-gnu/gconv/*")
	say "guest with systemd, Debian $release: building, some minutes; log: $log"
	mmdebstrap --variant=essential --include="$packages" "${exclude[@]}" \
		--aptopt='Acquire::Languages "none"' --aptopt='APT::Install-Recommends "0"' \
		--customize-hook='chroot "$1" passwd -q -d root' \
		--customize-hook='rm -rf "$1"/etc/hostname "$1"/etc/resolv.conf "$1"/var/cache/apt "$1"/var/lib/apt/lists' \
		--customize-hook="unshare -m $PWD/test/guests/debian.sh --image \"\$1\" $work/img" \
		"$suite" /dev/null >"$log" 2>&1 || {
			apt_reason "$log"
			die "guest with systemd: mmdebstrap failed; see $log"
		}
	cp "$work/img" "$kept.new"
	rm -rf "$store/$name"-*.img "$work"
	trap - EXIT
	mv "$kept.new" "$kept"
}

mkdir -p "$store" "$out"
exec 9>"$store/$name.lock"
flock 9
[ -f "$kept" ] || build
flock -u 9
cmp -s "$kept" "$out/root.img" || { cp "$kept" "$out/root.img.new" && mv "$out/root.img.new" "$out/root.img"; }
say "guest with systemd: $out/root.img, $(($(stat -c %s "$out/root.img") / 1024)) KiB"
