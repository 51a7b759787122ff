# ninja - writes out/FLAVOUR.ninja from the folders' listings.
#
# Every src/**.c and applets/*.c becomes an object, all objects but main's become
# one archive, and programs pull from it what they use: no list to keep by hand.

. build/toolchain.sh
. vendor/library.sh

# The applets/ listing as a C table.
applets_table() {
	local word words=()
	# By word and not by file: "ssh" is before "ssh-config", as "ssh.c" is not.
	for word in $(printf '%s\n' applets/*.c | sed 's#.*/##; s#\.c$##' | LC_ALL=C sort); do
		words+=("${word//-/_}")
	done
	echo '#include <stddef.h>'
	echo '#include "applets/applet.h"'
	printf 'extern const struct applet applet_%s;\n' "${words[@]}"
	echo 'const struct applet *const applets[] = {'
	printf '\t&applet_%s,\n' "${words[@]}"
	printf '\tNULL\n};\n'
}

# The unit file as a C string, for `vmtool guest-agent --print-unit`.
unit_text() {
	echo 'static const char guest_agent_unit[] ='
	sed 's/["\\]/\\&/g; s/.*/\t"&\\n"/; $s/$/;/' share/vmtool-guest-agent.service
}

# Only what is shipped knows its commit: a new one must not link every test again.
version_of() {
	if [ "$1" != release ]; then echo "$1"; return; fi
	git describe --always --dirty --tags 2>/dev/null || echo unknown
}

# Have the libraries of FLAVOUR; note where their headers and archives are.
declare -A library_dirs library_archives
ninja_libraries() {
	local f=$1 lib dir
	library_dirs[$f]="" library_archives[$f]=""
	for lib in "${vendor_libraries[@]}"; do
		dir=$(vendor_library "$lib" "${flavour_libc[$f]}")
		library_dirs[$f]+=" $dir/include"
		library_archives[$f]+=" $dir/lib/$lib.a"
	done
}

# The rules of one flavour, its objects and its archive.
ninja_flavour() {
	local f=$1 src objs="" include flags
	include=${library_dirs[$f]// / -isystem }
	printf 'libs_%s =%s\n' "$f" "${library_archives[$f]}"
	printf 'rule cc_%s\n' "$f"
	printf ' command = %s %s %s %s -MMD -MF $out.d $flags -c $in -o $out\n' \
		"${flavour_cc[$f]}" "$warnings" "${flavour_cflags[$f]}" \
		"-ffile-prefix-map=$root=. -Isrc -I. -Iout/gen -Itest/unit$include"
	printf ' depfile = $out.d\n deps = gcc\n description = cc %s $in\n' "$f"
	printf 'rule link_%s\n command = %s %s $in $libs_%s -o $out\n' \
		"$f" "${flavour_cc[$f]}" "${flavour_ldflags[$f]}" "$f"
	printf ' description = link $out\n'
	for src in "${c_files[@]}"; do
		flags=
		[[ $f != release || ! $src =~ $hot ]] || flags=-O2
		[ "$src" != src/base/version.c ] ||
			flags+=" -DVMTOOL_VERSION=\\\"$(version_of "$f")\\\""
		ninja_object "$f" "$src" "" "$flags"
		[ "$src" = src/main.c ] || objs+=" out/$f/$src.o"
	done
	printf 'build out/%s/vmtool.a: ar%s\n' "$f" "$objs"
}

# ninja_object FLAVOUR SOURCE [OBJECT [FLAGS]]
ninja_object() {
	printf 'build %s: cc_%s %s\n' "${3:-out/$1/$2.o}" "$1" "$2"
	[ -z "${4-}" ] || printf ' flags = %s\n' "$4"
}

# ninja_program FLAVOUR OUTPUT OBJECT...
ninja_program() {
	local f=$1 out=$2
	shift 2
	printf 'build %s: link_%s %s out/%s/vmtool.a |%s\n' "$out" "$f" "$*" "$f" "${library_archives[$f]}"
}

# Made here and not by an edge: it is the same for every flavour.
generate_dsdt() {
	local from=src/vmm/dsdt.asl to=out/gen/dsdt.h
	[ ! -f $from ] || [[ $to -nt $from && $to -nt build/dsdt.sh ]] || build/dsdt.sh $from $to
}

ninja_release() {
	ninja_flavour release
	ninja_program release out/vmtool.debug out/release/src/main.c.o
	printf 'rule finish\n command = build/finish.sh $in $out\n description = check $out\n'
	printf 'build out/vmtool: finish out/vmtool.debug | build/finish.sh\n'
	# Programs that VM tests and benches take into the lab.
	local source name
	for source in "${lab_tools[@]}"; do
		name=$(basename "$source" .c)
		ninja_object release "$source"
		ninja_program release "out/tools/$name" "out/release/$source.o"
	done
	ninja_bare
	printf 'build tools: phony%s%s\n' "$(printf ' out/tools/%s' "${lab_tools[@]##*/}" | sed 's/\.c\>//g')" \
		"$(printf ' out/bare/%s' "${bare_guests[@]}")"
}

# Guests without a kernel: each file with a bare_run() is one, the others are what they share.
ninja_bare() {
	local dir=test/guests/bare guest shared=()
	bare_guests=()
	for source in "$dir"/*.c; do
		guest=$(basename "$source" .c)
		if grep -q '^void bare_run(void)$' "$source"; then bare_guests+=("$guest"); else shared+=("$source"); fi
	done
	printf 'rule bare\n command = %s %s -Isrc $in %s -o $out\n description = bare $out\n' \
		"$bare" "$warnings" "$bare_link"
	for guest in "${bare_guests[@]}"; do
		printf 'build out/bare/%s: bare %s %s %s | %s\n' "$guest" "$dir/start.S" "$dir/$guest.c" "${shared[*]}" \
			"$(printf '%s ' "$dir"/*.h) src/vmm/layout.h src/vmm/power.h"
	done
}

# Unit tests, and each fuzz target with the replay of its corpus.
ninja_asan() {
	local source name
	ninja_flavour asan
	for source in "${unit_tests[@]}"; do
		name=$(basename "$source" .c)
		ninja_object asan "$source"
		ninja_program asan "out/asan/test/$name" "out/asan/$source.o"
	done
	for source in "${fuzz_targets[@]}"; do
		name=$(basename "$source" .c)
		ninja_object asan "$source"
		ninja_object asan test/fuzz/replay.c "out/asan/test/fuzz/$name.replay.o" \
			"-DCORPUS=\\\"test/fuzz/corpus/${name%_fuzz}\\\""
		ninja_program asan "out/asan/test/${name}_replay" \
			"out/asan/$source.o out/asan/test/fuzz/$name.replay.o"
	done
}

ninja_analyse() { ninja_flavour analyse; }

ninja_fuzz() {
	local source name
	ninja_flavour fuzz
	for source in "${fuzz_targets[@]}"; do
		name=$(basename "$source" _fuzz.c)
		ninja_object fuzz "$source"
		ninja_program fuzz "out/fuzz/$name" "out/fuzz/$source.o"
	done
}

ninja_file() {
	printf 'ninja_required_version = 1.8\nbuilddir = out/%s\n' "$1"
	printf 'rule ar\n command = rm -f $out && ar qcs --thin $out $in\n description = ar $out\n'
	"ninja_$1"
}

# ninja_write FLAVOUR: its libraries, the generated sources, and its file.
ninja_write() {
	link_kernel_headers
	ninja_libraries "$1"
	mkdir -p out/gen
	generate_dsdt
	applets_table | write_if_changed out/gen/applets.c
	unit_text | write_if_changed out/gen/guest_agent_unit.h
	mapfile -t c_files < <(find src applets -name '*.c' | LC_ALL=C sort)
	c_files+=(out/gen/applets.c)
	shopt -s nullglob
	unit_tests=(test/unit/*_test.c)
	fuzz_targets=(test/fuzz/*_fuzz.c)
	lab_tools=(test/vm/*.c test/bench/*.c)
	shopt -u nullglob
	ninja_file "$1" | write_if_changed "out/$1.ninja"
}

# ninja_run FLAVOUR [TARGET...]: one at a time, for two would write the same files.
ninja_run() {
	local flavour=$1
	shift
	flock "out/$flavour.lock" ninja -f "out/$flavour.ninja" -j "$jobs" "$@" >&2
}
