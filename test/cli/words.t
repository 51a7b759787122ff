# words: one binary, many names.
. test/lib.sh

vmtool=$PWD/out/vmtool

run "$vmtool" --list
is "$rc" 0 "--list succeeds"
for word in start exec run stop ls logs rm fs console vmm doctor help version; do
	ok "$word is a public word" grep -qx "$word" <<<"$out"
done
ok "machinery is not listed" test -z "$(grep -xE 'init|agent|execd|ptyd|filed|fsd|words|install' <<<"$out")"
words=$out

run "$vmtool" help
is "$rc" 0 "help succeeds"
is "$(awk 'length > 79' <<<"$out")" "" "and fits a terminal"
for word in $words; do
	like "$out" "  $word" "help has a line for $word"
	run_help=$("$vmtool" help "$word")
	is "$run_help" "$("$vmtool" "$word" --help)" "$word --help says what help $word says"
	like "$run_help" "usage: vmtool $word" "and how to use it"
	is "$(awk 'length > 79' <<<"$run_help")" "" "and fits a terminal"
	is "$(sed -n '/^options:/,/^$/p' <<<"$run_help" | grep -vE '^(options:|  (-.,|   ) --.{1,20} [^ ].*|  (-.,|   ) --[^ ]+( [^ ]+)?| {29}[^ ].*|)$')" "" "its options stand in columns"
done
run "$vmtool" help nonsense
is "$rc" 2 "help for no word of ours is wrong usage"
run "$vmtool" nonsense
is "$rc" 2 "so is such a word itself"
like "$err" "nonsense" "and it is named"
run "$vmtool" version
like "$out" "vmtool " "version says which vmtool"
is "$out" "$("$vmtool" --version)" "--version as well"
run "$vmtool" version extra
is "$rc" 2 "a word too many is refused"
run "$vmtool" version --nonsense
is "$rc" 2 "so is an option that does not exist"

# By other names.
for how in "" -s; do
	mkdir "$tap_dir/bin$how"
	run "$vmtool" --install $how "$tap_dir/bin$how"
	is "$rc" 0 "--install $how makes the links"
	is "$(ls "$tap_dir/bin$how")" "$words" "one for each public word"
	run "$tap_dir/bin$how/version"
	like "$out" "vmtool " "which are those words"
	run "$vmtool" --install $how "$tap_dir/bin$how"
	is "$rc" 0 "installing twice is fine"
done
ln -s "$vmtool" "$tap_dir/vm-version"
run "$tap_dir/vm-version"
like "$out" "vmtool " "vm-WORD is WORD"
echo precious >"$tap_dir/bin/theirs"
mv "$tap_dir/bin/theirs" "$tap_dir/bin/start"
run "$vmtool" --install "$tap_dir/bin"
is "$rc" 1 "a file that is not ours is not replaced"
is "$(cat "$tap_dir/bin/start")" precious "and stays as it was"
run "$vmtool" --install "$tap_dir/nowhere"
is "$rc" 1 "no folder, no links"
like "$err" "nowhere" "and it is named"

# The result cannot be written.
run sh -c "'$vmtool' --list >/dev/full"
is "$rc" 1 "a full disk is not success"
done_testing
