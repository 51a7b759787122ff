#!/usr/bin/env bash
# build.sh - the only entry: ./build.sh [WORD [ARG...]]
#
# A word is a file in build/words/; the folder listing is the table, and the
# first line of each file is its line in --help. Without a word: build.
cd "$(dirname "$(readlink -f "$0")")" || exit 1
. build/common.sh

word=${1:-build}
[ $# -eq 0 ] || shift
case $word in
-h | --help) word=help ;;
esac
[[ $word =~ ^[a-z]+$ && -f build/words/$word.sh ]] ||
	die_usage "$word: no such word; ./build.sh --help lists them"

. "build/words/$word.sh"
