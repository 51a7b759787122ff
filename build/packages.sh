# packages - what each part of the work needs from Debian.
#
# Nothing is asked of the network, nor of root, when nothing is missing. The
# base system of a minimal root has no compiler, no ninja, no xz and no prove.

declare -A packages_for=(
	[build]="gcc libc6-dev musl-dev linux-libc-dev ninja-build xz-utils acpica-tools"
	[test]="perl"
	[fuzz]="clang-14 libclang-rt-14-dev"
	[check]="cppcheck shellcheck clang-format-14"
	[fmt]="clang-format-14"
)

# What dpkg does not have, of the names given.
packages_missing() {
	{ dpkg-query -W -f '${Package} ${db:Status-Status}\n' "$@" 2>/dev/null || true; } |
		awk -v want="$*" '
			$2 == "installed" { have[$1] = 1 }
			END {
				n = split(want, name, " ")
				for (i = 1; i <= n; i++)
					if (!(name[i] in have))
						print name[i]
			}'
}

# Reasons only, and no host names: what is shown here ends up in logs and reports.
apt_reason() {
	if grep -qiE 'failure resolving|(could not|unable to) (resolve|connect)|connection (failed|refused|timed out)' "$1"; then
		say "the package mirror cannot be reached"
		return
	fi
	sed -nE '/^E: /{ s#[a-z+]+://[^ ]*/##g; s/ *\[IP: [^]]*\]//g; p }' "$1" |
		awk '!seen[$0]++' | tail -n 3 >&2
}

# as_root COMMAND...: for $want, which needs $missing.
as_root() {
	if [ "$(id -u)" -eq 0 ]; then
		"$@"
	elif command -v sudo >/dev/null; then
		sudo "$@"
	else
		die "$want needs Debian packages, and neither root nor sudo is here; as root: apt-get install $missing"
	fi
}

apt_install() {
	as_root env DEBIAN_FRONTEND=noninteractive apt-get -qq -y \
		-o DPkg::Lock::Timeout=600 --no-install-recommends install "$@"
}

# need_packages WHAT-FOR PACKAGE...: have them installed, or end with the reason.
need_packages() {
	local want=$1 missing log
	shift
	missing=$(packages_missing "$@" | xargs)
	[ -n "$missing" ] || return 0
	say "set-up: installing for $want: $missing"
	as_root true	# now, while a person can see the question for a password
	log=$(mktemp)
	# The lists may be too old, or absent: only then are they fetched.
	# shellcheck disable=SC2086
	apt_install $missing >"$log" 2>&1 </dev/null ||
		{ as_root apt-get -qq update >"$log" 2>&1 </dev/null || true
		  apt_install $missing >>"$log" 2>&1 </dev/null; } || {
		apt_reason "$log"
		rm -f "$log"
		die "$want needs $missing, which apt-get could not install"
	}
	rm -f "$log"
}

# need_packages_for WORD...: rows of the table above.
need_packages_for() {
	local row
	for row; do
		# shellcheck disable=SC2086
		need_packages "$row" ${packages_for[$row]}
	done
}
