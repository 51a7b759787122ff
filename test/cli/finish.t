# finish.sh: a program that breaks one of the binary's promises never gets its name.
. test/lib.sh

printf 'int main(void) { return 0; }\n' >"$tap_dir/main.c"
musl="gcc -specs=vendor/musl.specs -fPIE"
hard="-Wl,-z,relro,-z,now,-z,noexecstack"

# verdict "GCC AND FLAGS": builds, and asks finish.sh.
verdict() {
	# shellcheck disable=SC2086
	$1 "$tap_dir/main.c" -o "$tap_dir/program" 2>/dev/null || { diag "does not compile: $1"; exit 1; }
	run build/finish.sh "$tap_dir/program" "$tap_dir/result"
}

refused() {	# FLAGS, PATTERN
	verdict "$1"
	is "$rc" 1 "refused: $2"
	like "$err" "$2" "and it says so"
	ok "and nothing is left at its name" test ! -e "$tap_dir/result" -a ! -e "$tap_dir/result.new"
}

refused "gcc $hard" "asks for an interpreter"
refused "gcc -static $hard" "not position independent"
refused "$musl -Wl,-z,relro,-z,now,-z,execstack" "the stack is executable"
refused "$musl -Wl,-z,norelro,-z,now,-z,noexecstack" "no relro"
refused "$musl -Wl,-z,relro,-z,lazy,-z,noexecstack" "not bound at start"
cat >"$tap_dir/main.c" <<'END'
__asm__(".section .both,\"awx\"\n.byte 0\n.previous");
int main(void) { return 0; }
END
refused "$musl $hard" "writable and executable"
printf 'const char big[1100000] = { 1 }; int main(void) { return big[0]; }\n' >"$tap_dir/main.c"
refused "$musl $hard" "more than 1048576"

printf 'int main(void) { return 7; }\n' >"$tap_dir/main.c"
verdict "$musl $hard"
is "$rc" 0 "what keeps them all is accepted"
like "$out" " bytes" "and its size is printed"
run "$tap_dir/result"
is "$rc" 7 "and runs"

done_testing
