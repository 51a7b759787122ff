# fuzz TARGET SECONDS           let libFuzzer look for trouble in one decoder

target=${1-} seconds=${2-}
targets=$(printf '%s\n' test/fuzz/*_fuzz.c | sed 's#.*/##; s#_fuzz\.c$##' | xargs)
[[ " $targets " == *" $target "* ]] ||
	die_usage "fuzz: ${target:-no target}: choose one of: $targets"
[[ $seconds =~ ^[0-9]+$ ]] || die_usage "fuzz: say for how many SECONDS"

need_packages_for build fuzz
. build/ninja.sh
ninja_write fuzz
ninja_run fuzz "out/fuzz/$target"

# What is found goes to out/: only inputs worth remembering are moved to the corpus.
found=out/fuzz/$target.found
corpus=test/fuzz/corpus/$target
mkdir -p "$found" "$corpus"
"out/fuzz/$target" -max_total_time="$seconds" -timeout=10 -print_final_stats=1 \
	-artifact_prefix="$found/" "$found" "$corpus" || {
	input=$(find "$found" -name '*-*' -printf '%T@ %p\n' | sort -n | tail -n 1 | cut -d' ' -f2)
	die "fuzz: $target failed on $input; once that file is in $corpus, ./build.sh test replays it"
}
