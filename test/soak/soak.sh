#!/usr/bin/env bash
# soak.sh [NAME] [ROUNDS] - the long runs, in the lab: rounds, failures, and the seed that repeats them.
#
# NAME is a file here (default lifecycle), ROUNDS how many (default 200); SEED=N repeats a run.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. build/ninja.sh

runs() {
	local file
	for file in test/soak/*.sh; do
		file=${file##*/}
		case $file in soak.sh | random.sh | truth.sh) ;; *) printf ' %s' "${file%.sh}" ;; esac
	done
}

name=${1:-lifecycle} rounds=${2:-200} seed=${SEED:-$RANDOM}
[[ $name != @(soak|random|truth) && -f test/soak/$name.sh ]] ||
	die_usage "soak $name: no such run; there are:$(runs)"
[[ $rounds =~ ^[1-9][0-9]*$ ]] || die_usage "soak: ROUNDS is a whole number, not $rounds"

need_packages_for build
ninja_write release
ninja_run release out/vmtool tools
kernel-config/build.sh
test/guests/initrd.sh
test/guests/wanted.sh "test/soak/$name.sh"
# Files a run wants beside it stand in its line "# with: FILE...", as in a VM test.
files=(-f test/within.sh -f test/vm/host.sh -f test/both/target.sh -f test/soak/random.sh -f test/soak/truth.sh)
for file in $(sed -n 's/^# with: //p' "test/soak/$name.sh"); do files+=(-f "$file"); done
exec test/lab/lab.sh --auto -o "out/soak/$name" "${files[@]}" -f "test/soak/$name.sh" \
	-- sh "/lab/in/$name.sh" "$rounds" "$seed" </dev/null
