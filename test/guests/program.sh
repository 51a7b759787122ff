# program.sh - a program of Debian's with what it loads, for a root that has neither, for whoever sources this.
# build/common.sh comes first.
. test/guests/openssh.sh

# pack_programs TAR PACKAGE... -- PATH...: the programs at these paths out of these packages, which are
# fetched and not installed, and their libraries, from these packages or from this system; to be unpacked over /.
pack_programs() {
	local out=$1 files=() file work program library path
	shift
	while [ "$1" != -- ]; do
		files+=("$(server_package "$1")")
		shift
	done
	shift
	for file in "${files[@]}" test/guests/program.sh; do
		[ "$out" -nt "$file" ] || break
	done
	[ ! "$out" -nt "$file" ] || return 0
	work=$(mktemp -d)
	# shellcheck disable=SC2064 # now: it is gone by then
	trap "rm -rf '$work'" EXIT
	for file in "${files[@]}"; do [ "$file" = test/guests/program.sh ] || dpkg-deb -x "$file" "$work/package"; done
	for program; do
		install -D "$work/package$program" "$work/tree$program"
		for library in $(LD_LIBRARY_PATH="$work/package/usr/lib/x86_64-linux-gnu:$work/package/lib/x86_64-linux-gnu" \
			ldd "$work/package$program" | grep -o '/[^ ]*'); do
			path=${library#"$work/package"}
			install -D "$library" "$work/tree$path"
		done
	done
	mkdir -p "$(dirname "$out")"
	# No folders: where one is a link to another, it stays one.
	(cd "$work/tree" && find . -type f -printf '%P\n' | tar --owner=0 --group=0 -c --files-from=-) >"$out.new"
	mv "$out.new" "$out"
	say "for the lab: $out, $(($(stat -c %s "$out") / 1024)) KiB"
}
