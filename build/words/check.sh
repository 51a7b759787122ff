# check                         cppcheck, gcc's analyser, shellcheck, includes, format

need_packages_for build check
. build/ninja.sh

failed=
step() {
	say "check: $1"
	shift
	"$@" >&2 || failed=1
}

check_analyser() {
	ninja_write analyse
	ninja_run analyse -k 0
}

# What cppcheck 2.10 says wrongly of code like ours:
#	missingInclude*     system headers are not its business
#	unusedStructMember  wire formats are laid out by someone else
#	unknownEvaluationOrder  it takes nested designated initialisers for expressions
check_cppcheck() {
	cppcheck -q -j "$jobs" --std=c11 --enable=warning,performance,portability \
		--inline-suppr --error-exitcode=1 -D__x86_64__ -D__linux__ \
		--suppress=missingInclude --suppress=missingIncludeSystem \
		--suppress=unusedStructMember --suppress=unknownEvaluationOrder \
		--suppress=checkersReport \
		-I src -I . src applets
}

# Programs say their shell; parts of the build and cli tests are bash; what runs in
# the lab is POSIX, for busybox.
#	SC1090, SC1091  which part is sourced is data
#	SC2016          $in and $out are ninja's
#	SC2034, SC2154  variables cross files
check_shell() {
	local not_here=SC1090,SC1091,SC2016,SC2034,SC2154 programs bash posix
	mapfile -t programs < <(git ls-files | xargs grep -lE '^#!.*\b(ba)?sh\b' --)
	mapfile -t bash < <(git ls-files 'build/*.sh' 'vendor/*.sh' 'vendor/*.lib' 'test/cli/*.t' |
		grep -vxF "$(printf '%s\n' "${programs[@]}")")
	mapfile -t posix < <(git ls-files test/lib.sh 'test/vm/*.t')
	shellcheck -e "$not_here" "${programs[@]}" &&
		shellcheck -s bash -e "$not_here" "${bash[@]}" &&
		shellcheck -s sh -e "$not_here" "${posix[@]}"
}

check_includes() { ./build.sh map >/dev/null; }

# Advice, not a verdict: clang-format cannot keep comments in a column of tabs.
check_format() {
	local different
	different=$(find src applets test -name '*.[ch]' -print0 |
		xargs -0 clang-format-14 --dry-run 2>&1 | sed -n 's/:.*warning:.*//p' | sort -u)
	[ -z "$different" ] || printf 'not as ./build.sh fmt would write it:\n%s\n' "$different"
}

step "gcc -fanalyzer" check_analyser
step "cppcheck" check_cppcheck
step "shellcheck" check_shell
step "includes (./build.sh map)" check_includes
step "format (advice)" check_format
[ -z "$failed" ] || die "check: something was found"
