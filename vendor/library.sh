# library - a vendored library as headers and one archive, built once.
#
# vendor/NAME.lib says what it is; the result lives in the cache under a key
# made of everything that could change it, and is never written to again.

. vendor/fetch.sh

vendor_libraries=(jansson inih bearssl sodium libnl zlib lz4 zstd lzma)

# A build file for the unpacked tree in $PWD, objects in obj/, archive lib/.
library_ninja() {
	local src objs=""
	printf 'rule cc\n command = %s -c $in -o $out\n' "$1"
	printf 'rule ar\n command = ar qcs $out $in\n'
	# shellcheck disable=SC2068
	for src in ${sources[@]}; do
		printf 'build obj/%s.o: cc %s\n' "$src" "$src"
		objs+=" obj/$src.o"
	done
	printf 'build out/lib/%s.a: ar%s\n' "$name" "$objs"
}

# Unpack, compile, and appear at $dest at once. The caller's words are in scope.
library_build() {
	local tarball work cc
	tarball=$(fetch_source)
	say "vendor: building $package $version ($flavour)"
	work=$(mktemp -d "$cache/vendor/tmp.XXXXXX")
	# shellcheck disable=SC2064
	trap "rm -rf '$work'" EXIT
	tar -xf "$tarball" -C "$work" --strip-components=1 --no-same-owner
	cc="${flavour_cc[$flavour]} ${vendor_cflags[$flavour]} -ffile-prefix-map=$work=$name"
	cc+=" ${cflags[*]@Q}"
	cd "$work" || die "$work has gone"
	mkdir -p gen out/include out/lib
	configure
	library_ninja "$cc" >build.ninja
	ninja -j "$jobs" >log 2>&1 || {
		tail -n 20 log >&2
		die "$package $version does not compile ($flavour)"
	}
	# shellcheck disable=SC2068
	cp -r ${headers[@]} out/include/
	cp "$licence_file" out/LICENSE
	mv out "$dest"
}

# vendor_library NAME FLAVOUR: prints the folder that has include/ and lib/.
# A subshell, so that one manifest's words do not leak into the next.
vendor_library() (
	name=$1 flavour=$2
	set -f	# the patterns in it are about the library's tree
	# shellcheck source=/dev/null
	. "vendor/$name.lib"
	set +f
	key=$({
		cat "vendor/$name.lib" vendor/library.sh vendor/musl.specs
		echo "$toolchain_id ${flavour_cc[$flavour]##*/} ${vendor_cflags[$flavour]}"
	} | sed "s#$root#.#g" | key_of)
	dest=$cache/vendor/$name-$flavour-$key
	if [ ! -d "$dest" ]; then
		mkdir -p "$cache/vendor"
		# Two checkouts may start at once; the second finds the work done.
		exec 9>"$cache/vendor/$name.lock"
		flock 9
	fi
	if [ ! -d "$dest" ]; then
		library_build
	fi
	echo "$dest"
)
