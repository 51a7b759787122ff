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

done_testing
