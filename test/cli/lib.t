# lib.sh: the same TAP from every shell that runs our tests, the lab's busybox included.
. test/lib.sh

cat >"$tap_dir/t" <<'END'
set -u
. test/lib.sh
pass "one"
is a b "two"
like "a long line" "long*ne" "three"
like abc '[x]' "four"
ok "five" test -d /
ok "six" false
skip "no reason" "seven"
run sh -c 'echo out; echo err >&2; exit 3'
is "$rc/$out/$err" "3/out/err" "eight"
run true
is "$rc" 0 "nine"
is "two
lines" "" "ten"
done_testing
END
cat >"$tap_dir/want" <<'END'
ok 1 - one
not ok 2 - two
#  got: a
# want: b
ok 3 - three
not ok 4 - four
#  got: abc
# like: [x]
ok 5 - five
not ok 6 - six
# failed: false
ok 7 - seven # SKIP no reason
ok 8 - eight
ok 9 - nine
not ok 10 - ten
#  got: two
#  got: lines
# want: 
1..10
END

for shell in "bash" "dash" "busybox sh"; do
	if ! command -v "${shell%% *}" >/dev/null; then
		skip "${shell%% *} is not installed" "$shell"
		continue
	fi
	# shellcheck disable=SC2086
	run $shell "$tap_dir/t"
	is "$out" "$(cat "$tap_dir/want")" "$shell"
	is "$rc" 1 "$shell: a failure is the exit status"
	is "$err" "" "$shell: nothing on stderr"
done

done_testing
