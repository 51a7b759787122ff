#!/usr/bin/env bash
# wanted.sh TEST - make what the line "# with: FILE..." of a test or of a long run names, and only some want:
# a guest that takes minutes, programs of Debian's.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."

# What is named so is made by this.
makers=(
	"out/guest/debian/ debian.sh 12"
	"out/guest/debian13/ debian.sh 13"
	"out/guest/catalogue/ kernels.sh"
	"out/guest/passt.tar passt.sh"
	"out/guest/nettools.tar nettools.sh"
	"out/guest/fio.tar fio.sh"
	"out/guest/e2fsprogs.tar e2fsprogs.sh"
	"out/guest/stress.tar stress.sh"
)
with=$(sed -n 's/^# with: / /p' "$1")
for row in "${makers[@]}"; do
	read -r name script argument <<<"$row"
	if [[ $with == *" $name"* ]]; then "test/guests/$script" ${argument:+"$argument"}; fi
done
