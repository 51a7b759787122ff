# fuzz TARGET SECONDS           let libFuzzer look for trouble in one decoder

target=${1-} seconds=${2-}
[[ -n $target && -f test/fuzz/${target}_fuzz.c ]] ||
	die_usage "fuzz: ${target:-no target}: choose one of: $(ls test/fuzz | sed -n 's/_fuzz\.c$//p' | xargs)"
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
	-artifact_prefix="$found/" "$found" "$corpus" ||
	die "fuzz: $target failed; the input is in $found, and ./build.sh test replays it once it is in $corpus"
