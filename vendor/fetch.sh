# fetch - a library's source from Debian's archive into the cache, verified.
#
# Which archive is the machine's own business: its apt sources are read as they
# are, turned into source entries in private folders, and no host is named.
# Only the sha256 of the manifest decides whether a file is the right one.

# The Debian entries of apt's sources as deb-src entries for SUITE, whose name
# takes the place of the machine's own release. Others' archives are left out.
source_entries() {
	local suite=$1 out=$2 own list
	own=$(. /etc/os-release && echo "${VERSION_CODENAME:-bookworm}")
	cat /etc/apt/sources.list /etc/apt/sources.list.d/*.list 2>/dev/null |
		sed -nE "/^deb[ \t].*[ \t]$own([-\/][a-z]+)?[ \t]/{
			s/^deb/deb-src/
			s#([ \t])$own([-/ \t])#\1$suite\2#p
		}" >"$out/entries.list" || true
	for list in /etc/apt/sources.list.d/*.sources; do
		grep -qE "^Suites:.*\b$own\b" "$list" 2>/dev/null || continue
		sed -E "/^#/d; s/^Types:.*/Types: deb-src/; /^Suites:/s/\b$own\b/$suite/g" "$list" \
			>"$out/${list##*/}"
	done
}

# Private apt folders with the source lists of a suite.
source_lists() {
	local apt=$1 suite=$2
	mkdir -p "$apt"/{entries,lists/partial,cache/archives/partial}
	: >"$apt/empty"
	cat >"$apt/apt.conf" <<-END
	Dir::Etc::sourcelist "$apt/empty";
	Dir::Etc::sourceparts "$apt/entries";
	Dir::State::lists "$apt/lists";
	Dir::Cache "$apt/cache";
	APT::Sandbox::User "root";
	END
	source_entries "$suite" "$apt/entries"
	apt-get -c "$apt/apt.conf" -q update >"$apt/log" 2>&1 || true
}

# Download the manifest's file into FOLDER. Only the orig tarball matters: the
# .dsc beside it may have been superseded, so apt's verdict is not asked for.
source_download() {
	local apt=$1 folder=$2 wanted
	mkdir -p "$folder"
	for wanted in "$package=$version" "$package"; do
		(cd "$folder" && apt-get -c "$apt/apt.conf" -q source --download-only \
			--only-source "$wanted") >>"$apt/log" 2>&1 || true
		[ ! -f "$folder/$file" ] || return 0
	done
	apt_reason "$apt/log"
	die "$package $version: $file cannot be had from the archive's $suite sources;" \
		"put it into $cache/sources by hand, or try again later"
}

# The manifest's tarball, verified: prints its path. The manifest is loaded; the
# caller runs this in a $(...) of its own.
fetch_source() {
	local have=$cache/sources/$file work
	if [ ! -f "$have" ]; then
		say "vendor: fetching $file ($package $version)"
		mkdir -p "$cache/sources"
		work=$(mktemp -d "$cache/sources/tmp.XXXXXX")
		# shellcheck disable=SC2064
		trap "rm -rf '$work'" EXIT
		source_lists "$work/apt" "$suite"
		source_download "$work/apt" "$work/files"
		mv "$work/files/$file" "$have"
	fi
	sha256_check "$have" "$sha256" || {
		rm -f "$have"
		die "$package $version: that was not the pinned file; it has been removed"
	}
	echo "$have"
}
