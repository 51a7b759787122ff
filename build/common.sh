# common - what every script of the build shares. Sourced by build.sh, and by
# scripts of their own (test/lab/lab.sh, kernel-config/build.sh) as:
#
#	cd "$(dirname "$(readlink -f "$0")")/../.." && . build/common.sh
#
# It defines functions and $root, $cache, $jobs; any failure ends the script.

set -euo pipefail
shopt -s inherit_errexit	# in $(...) too

root=$PWD
cache=${VMTOOL_CACHE:-${HOME:-/root}/.cache/vmtool}
jobs=${JOBS:-$(nproc)}

# One line about what is going on, on stderr: stdout belongs to results.
say() { printf '%s\n' "$*" >&2; }

# One sentence: the thing, what is wrong, the remedy.
die() { say "build.sh: $*"; exit 1; }
die_usage() { say "build.sh: $*"; exit 2; }

sha256_of() { sha256sum "$1" | cut -d' ' -f1; }

# sha256_check FILE SHA256: true, or a sentence on stderr with both hashes.
sha256_check() {
	local got
	got=$(sha256_of "$1")
	[ "$got" = "$2" ] || { say "$1: sha256 is $got, expected $2"; return 1; }
}

# The name of what is built from stdin: equal input, equal name.
key_of() { sha256sum | cut -c1-16; }

# Write stdin to FILE unless it says that already: its time stamp is what
# makes everything behind it be built again.
write_if_changed() {
	local new
	new=$(cat; printf x)
	new=${new%x}
	[ -f "$1" ] && [ "$(cat "$1"; printf x)" = "${new}x" ] && return
	mkdir -p "$(dirname "$1")"
	printf %s "$new" >"$1.new"
	mv "$1.new" "$1"
}

# run_script FILE [ARG...]: a word whose work is a program of its own.
run_script() {
	[ -x "$1" ] || die "$1: not in this checkout"
	exec "$@"
}

. build/packages.sh
