# openssh.sh - Debian packages of SSH servers, for whoever sources this: fetched once, never installed, for
# that would start them here. build/common.sh comes first.

# What a server out of its package loads.
server_libraries="libwrap0 libpam0g libaudit1 libsystemd0 libselinux1 libgssapi-krb5-2 libkrb5-3 libcom-err2 libssl3 zlib1g"
dropbear_libraries="libtomcrypt1 libtommath1 libcrypt1 zlib1g"

# A package fetched before is good for ever: only an empty cache needs the network.
fetched_package() { find "$cache/openssh" -name "${1}_*.deb" 2>/dev/null | sort -V | tail -n 1; }

# server_package NAME: its file, fetched where it is not there yet.
server_package() {
	local log
	if [ -z "$(fetched_package "$1")" ]; then
		log=$(mktemp)
		mkdir -p "$cache/openssh"
		say "fetching $1"
		(cd "$cache/openssh" && { apt-get -qq download "$1" ||
			{ as_root apt-get -qq update && apt-get -qq download "$1"; }; }) >"$log" 2>&1 ||
			{ want="an SSH server" missing=$1; apt_reason "$log"; rm -f "$log"; die "apt-get could not download $1"; }
		rm -f "$log"
	fi
	fetched_package "$1"
}
