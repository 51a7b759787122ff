# build.sh itself: what it says about its words, and to words it does not have.
. test/lib.sh

run ./build.sh --help
is "$rc" 0 "--help succeeds"
for word in demo test lab bench kernel fuzz check fmt map size soak install; do
	like "$out" "
  $word " "--help lists $word"
done

run ./build.sh
is "$rc" 0 "building what is built already succeeds"
is "$out" "" "and says nothing on stdout"

run ./build.sh frobnicate
is "$rc" 2 "an unknown word is wrong usage"
is "$err" "build.sh: frobnicate: no such word; ./build.sh --help lists them" "in one sentence"
is "$out" "" "with nothing on stdout"

run ./build.sh ../common
is "$rc" 2 "a word is not a path"

run ./build.sh fuzz no-such-target 1
is "$rc" 2 "an unknown fuzz target is wrong usage"
like "$err" "no-such-target" "and is named"

run ./build.sh install
is "$rc" 2 "install without a folder is wrong usage"

# A source that is not the pinned one is neither used nor kept.
cache=$tap_dir/cache
mkdir -p "$cache/sources"
echo "not a tarball" >"$cache/sources/jansson_2.14.orig.tar.gz"
run env VMTOOL_CACHE="$cache" ./build.sh
is "$rc" 1 "a wrong source fails the build"
like "$err" "sha256 is * expected *not the pinned file" "with both hashes"
ok "and is removed" test ! -e "$cache/sources/jansson_2.14.orig.tar.gz"

# The rows of architecture.md.
arrows() { printf '%s\n' "$@" | awk -f build/map.awk; }
run arrows 'src/host/store.c:#include "base/fd.h"' 'applets/start.c:#include "host/store.h"'
is "$rc" 0 "an include may point down"
for wrong in 'base/fd.c host/store.h up' 'host/store.c vmm/vm.h sideways' \
	'proto/spec.c virtio/queue.h sideways' 'guest/init.c ssh/banner.h not'; do
	# shellcheck disable=SC2086
	set -- $wrong
	run arrows "src/$1:#include \"$2\""
	is "$rc" 1 "$1 must not include $2"
	like "$err" "wrong way: src/$1 includes $2 ($3" "and is told why"
done

done_testing
