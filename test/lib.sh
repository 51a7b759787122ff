# lib - TAP for shell tests; POSIX sh, so that busybox runs it inside the lab.
#
#	. test/lib.sh                  (in the lab: . /lab/in/lib.sh)
#	run vmtool start web           sets $rc, $out, $err
#	is "$rc" 0 "a VM starts"
#	like "$err" "ready in *" "and says how long it took"
#	done_testing

if [ -d /lab/in ]; then . /lab/in/within.sh; else . test/within.sh; fi

tap_count=0
tap_failed=0
tap_dir=$(mktemp -d)
trap 'rm -rf "$tap_dir"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# Only for a file that is skipped whole: plan_skip REASON.
plan_skip() {
	echo "1..0 # SKIP $*"
	exit 0
}

tap_result() {	# "ok" or "not ok", NAME
	tap_count=$((tap_count + 1))
	[ "$1" = ok ] || tap_failed=$((tap_failed + 1))
	echo "$1 $tap_count - $2"
}

# Every line of TEXT as a comment: tap_note LABEL TEXT.
tap_note() {
	printf '%s\n' "$2" | sed "s/^/# $1: /"
}

pass() { tap_result ok "$1"; }
fail() { tap_result "not ok" "$1"; }
diag() { printf '%s\n' "$*" | sed 's/^/# /'; }

# ok NAME COMMAND [ARG...]: the command must succeed.
ok() {
	tap_name=$1
	shift
	if "$@"; then pass "$tap_name"; else
		fail "$tap_name"
		diag "failed: $*"
	fi
}

# is GOT WANT NAME
is() {
	if [ "$1" = "$2" ]; then pass "$3"; else
		fail "$3"
		tap_note " got" "$1"
		tap_note want "$2"
	fi
}

# like GOT PATTERN NAME: a shell pattern that must be found somewhere in GOT.
like() {
	# shellcheck disable=SC2254
	case $1 in
	*$2*) pass "$3" ;;
	*)
		fail "$3"
		tap_note " got" "$1"
		tap_note like "$2"
		;;
	esac
}

# skip REASON NAME: one test that cannot run here.
skip() {
	tap_count=$((tap_count + 1))
	echo "ok $tap_count - $2 # SKIP $1"
}

# run COMMAND [ARG...]: never fails; $rc, $out and $err say what happened.
run() {
	rc=0
	"$@" >"$tap_dir/out" 2>"$tap_dir/err" || rc=$?
	out=$(tr -d '\000' <"$tap_dir/out") # which no variable holds
	err=$(tr -d '\000' <"$tap_dir/err")
}

# in_shell COMMAND [ARG...]: for functions that exec, so that in the background $! is what they run, not a shell.
in_shell() { ("$@"); }

# children PID [WORD...]: its processes, or those that were started as these words. Needs no procps.
children() {
	children_of=$1
	shift
	for child in $(cat "/proc/$children_of/task/$children_of/children"); do
		[ $# = 0 ] || [ "$(tr '\000' ' ' <"/proc/$child/cmdline")" = "$* " ] || continue
		echo "$child"
	done 2>/dev/null
}

# The plan, last; the exit status says whether all went well.
done_testing() {
	echo "1..$tap_count"
	[ "$tap_failed" -eq 0 ]
}
