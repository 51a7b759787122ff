#!/usr/bin/env bash
# check.sh - do the fragments say why, and did Kconfig obey them?
#
#	check.sh FRAGMENT...				each line has a reason, no option is set twice
#	check.sh -c CONFIG [-s SOURCE] FRAGMENT...	and CONFIG holds every line
#
# With the kernel's SOURCE, a line that did not take is explained from Kconfig.
set -euo pipefail

config='' source=''
while getopts c:s: opt; do
	case $opt in
	c) config=$OPTARG ;;
	s) source=$OPTARG ;;
	*) exit 2 ;;
	esac
done
shift $((OPTIND - 1))
[ $# -gt 0 ] || { echo "check.sh: no fragment named" >&2; exit 2; }
for f in "$@" ${config:+"$config"}; do
	[ -r "$f" ] || { echo "$f: cannot be read" >&2; exit 2; }
done

bad=0
complain() { printf '%s\n' "$*" >&2; bad=1; }

# conflict OPTION WANTED: what Kconfig has to say about it, one line a fact.
conflict() {
	[ -n "$source" ] || return 0
	find "$source" -name 'Kconfig*' -type f -exec awk -v opt="${1#CONFIG_}" -v want="$2" '
		NR == FNR { if (sub(/^CONFIG_/, "") && sub(/=.*/, "")) on[$0] = 1; next }
		FNR == 1 { sym = ""; depth = 0 }
		$1 == "if" { cond[++depth] = $0 }
		$1 == "endif" { depth-- }
		/^(config|menuconfig|menu|choice|if|endif|source|comment)/ { sym = "" }
		/^(menu)?config / { sym = $2 }
		sym == opt && /config / {
			known = 1
			for (i = 1; want != "n" && i <= depth; i++) print "\tit stands inside: " cond[i]
		}
		sym == opt && want != "n" && $1 == "depends" { sub(/^[ \t]+/, ""); print "\tit " $0 }
		want == "n" && sym in on && $1 == "select" && $2 == opt { print "\t" sym " selects it" }
		END { if (!known) print "\tthis source has no such option" }
	' "$config" {} + | sort -u
}

dup=$(grep -ho '^CONFIG_[A-Z0-9_]*' "$@" | sort | uniq -d | xargs)
[ -z "$dup" ] || complain "set more than once: $dup"

for f in "$@"; do
	n=0
	while IFS= read -r line; do
		n=$((n + 1))
		case $line in
		'' | '#'*) continue ;;
		esac
		if ! [[ $line =~ ^(CONFIG_[A-Z0-9_]+)=([^[:space:]]+)[[:space:]]+'# '(.+)$ ]]; then
			complain "$f:$n: not of the form CONFIG_NAME=VALUE  # reason: $line"
			continue
		fi
		[ -n "$config" ] || continue
		opt=${BASH_REMATCH[1]} want=${BASH_REMATCH[2]}
		got=$(sed -n "s/^$opt=//p" "$config")
		[ "${got:-n}" = "$want" ] ||
			complain "$f:$n: $opt=$want did not take: Kconfig made it ${got:-n}$(conflict "$opt" "$want" | sed '1s/^/\n/')"
	done <"$f"
done
exit "$bad"
