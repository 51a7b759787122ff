# shell: the user's own shell, as a login shell, with a terminal and without.
. test/lib.sh
. test/cli/agent.sh

sh_in() { run "$vmtool" shell "$@"; }

sh_in
is "$rc" 2 "shell without a name"
run "$vmtool" shell nobody
is "$rc" 125 "a VM that is not there"

run bash -c "echo 'echo \$0; exit 5' | '$vmtool' shell '$guest'"
is "$rc" 5 "without a terminal it reads a pipe, and its code is ours"
like "$out" "-" "and is a login shell"
sh_in -u "$(id -un)" "$guest" -- sh -c 'printf "[%s]" "$@"; exit 6' sh 'two words' '' '$HOME' "it's"
is "$rc/$out" "6/[two words][][\$HOME][it's]" "a command's words are its own"
sh_in "$guest" no-such-command
is "$rc" 127 "a command that is not there"
sh_in -w /tmp "$guest" pwd
is "$out" /tmp "a folder"
if [ "$(id -u)" = 0 ]; then
	sh_in -u 54321 "$guest" -- sh -c 'id -u; echo $SHELL'
	is "$out" "54321
/bin/sh" "without a shell in /etc/passwd it is /bin/sh"
fi

run "$term" raw 'type=tty >/dev/null && stty size; exit 7\r' expect='24 80' -- "$vmtool" shell "$guest"
is "$rc" 7 "on a terminal it has one, and its code is ours"
run "$term" raw 'type=PS1=pro""mpt:\r' expect=prompt: 'type=sh -c "expr 40 + 2; cat"\r' expect=42 'type=\x03' expect=prompt: 'type=\x04' -- \
	"$vmtool" shell "$guest"
is "$rc" 130 "ctrl-c ends what runs in it, ctrl-d the shell"
run "$term" raw 'type=echo re""ady\r' expect=ready 'type=\x10\x11' expect=goes -- "$vmtool" shell --id mine "$guest"
is "$rc" 0 "left by keys"
# ctrl-p, which reached the shell, has fetched its last line; ctrl-u takes it away again.
run "$term" raw expect=ready 'type=\x15exit 3\r' -- "$vmtool" attach "$guest" mine
is "$rc" 3 "and come back to, with what it had shown"

done_testing
