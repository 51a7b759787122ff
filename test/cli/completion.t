# completion: what a shell offers is what the tables have.
. test/lib.sh
export VMTOOL_HOME=$tap_dir/home
mkdir -p "$VMTOOL_HOME/vms/web" "$VMTOOL_HOME/vms/db"
PATH=$PWD/out:$PATH

run out/vmtool completion bash
is "$rc/$err" "0/" "bash"
printf '%s\n' "$out" >"$tap_dir/bash"
ok "it is a script" bash -n "$tap_dir/bash"
# shellcheck source=/dev/null
. "$tap_dir/bash"

offered() {	# WORD...: as they are typed, the last one half
	COMP_WORDS=("$@")
	COMP_CWORD=$(($# - 1))
	_vmtool
	echo "${COMPREPLY[*]}"
}
is "$(offered vmtool sta)" "start" "a word"
is "$(offered vmtool start --mem)" "--memory" "an option of that word"
is "$(offered vmtool ls --mem)" "" "of no other"
is "$(offered vmtool start --kernel '')" "" "where a value stands the shell has files"
is "$(offered vmtool stop -t '')" "" "behind a letter as well"
is "$(offered vmtool stop '' | tr ' ' '\n' | sort | xargs)" "db web" "the VMs there are"
is "$(offered vmtool stop w)" "web" "as far as they fit"
is "$(offered vmtool help conf)" "config" "what there is help on"
for word in $(out/vmtool --list); do
	is "$(offered vmtool "$word")" "$(compgen -W "$(out/vmtool --list)" -- "$word" | xargs)" "bash has $word"
done

for shell in zsh fish; do
	run out/vmtool completion "$shell"
	is "$rc/$err" "0/" "$shell"
	for word in $(out/vmtool --list); do
		case $out in *"$word"*) ;; *) fail "$shell has $word" ;; esac
	done
	like "$out" "virtual CPUs" "$shell has the options' sentences"
	printf '%s\n' "$out" >"$tap_dir/$shell"
	if command -v "$shell" >/dev/null; then
		ok "$shell reads it" "$shell" -n "$tap_dir/$shell"
	fi
done

run out/vmtool completion bsh
is "$rc" 2 "a shell it does not know: exit code 2"
like "$err" "'bsh' is no shell it knows: did you mean 'bash'?" "with the nearest"
run out/vmtool completion
is "$rc" 2 "no shell: exit code 2"
done_testing
