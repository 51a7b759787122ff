# ssh, ssh-config: what they refuse, and what ssh is given to read.
. test/lib.sh
vmtool=$PWD/out/vmtool
export VMTOOL_HOME=$tap_dir/home
mkdir "$tap_dir/bin"

says() { # CODE SENTENCE WORD ARG...
	local code=$1 want=$2
	shift 2
	run "$vmtool" "$@"
	is "$rc" "$code" "${*//[^ -~]/ }: exit code $code"
	like "$err" "$want" "${*//[^ -~]/ }: $want"
}
says 2 "NAME is missing" ssh
says 2 "'Web' is not a VM name" ssh Web
says 2 "NAME is missing" ssh -- -oProxyCommand=x
says 2 "--user: no blanks" ssh -u $'root\nProxyCommand x' web
says 2 "--user: '-x'" ssh -u -x web
says 2 "--port: '0'" ssh -p 0 web
says 2 "--user: no blanks" ssh-config -u $'a\rb'
says 2 "--user: no blanks" ssh-config -u 'a b'
says 2 "'a.b' is not a VM name" ssh-config web a.b
says 2 "'*' is not a VM name" ssh-config '*'

# What ssh makes of it is asked of ssh itself.
"$vmtool" ssh-config -u guest --control 90s >"$tap_dir/config"
run ssh -F "$tap_dir/config" -G web.vm
is "$rc" 0 "ssh reads the file"
for line in "user guest" "stricthostkeychecking true" "userknownhostsfile none" "controlpersist 90" \
	"proxycommand /usr/bin/env 'VMTOOL_HOME=$VMTOOL_HOME' '$vmtool' ssh-proxy %h:%p" \
	"knownhostscommand /usr/bin/env 'VMTOOL_HOME=$VMTOOL_HOME' '$vmtool' known-hosts guest --as %H --shown %t:%K %n"; do
	like "$out" "$line" "$line"
done
run ssh -F "$tap_dir/config" -G web.example
like "$out" "userknownhostsfile /" "other hosts are let alone"
"$vmtool" ssh-config web db >"$tap_dir/config"
run ssh -F "$tap_dir/config" -G other.vm
like "$out" "userknownhostsfile /" "and with names other VMs"

mkdir "$tap_dir/100% a b"
cp "$vmtool" "$tap_dir/100% a b/vmtool"
"$tap_dir/100% a b/vmtool" ssh-config >"$tap_dir/config"
run ssh -F "$tap_dir/config" -o BatchMode=yes web.vm
like "$err" "vmtool ssh-proxy: web: " "a path with blanks and % is called as it is"
for bad in "a'b" 'a"b' 'a\b'; do
	run env VMTOOL_HOME="$tap_dir/$bad" "$vmtool" ssh-config
	is "$rc/$out" "1/" "a folder whose name would be more than a word is refused"
	like "$err" "may have no quotes" "and said to be"
done

# How a command is handed on: what the shell over there makes of it.
cat >"$tap_dir/bin/ssh" <<'END'
#!/bin/bash
# Stands for the server: its shell gets the last word.
printf '%s\n' "$@" >"$CALLED"
exec sh -c "${@: -1}"
END
chmod +x "$tap_dir/bin/ssh"
export CALLED=$tap_dir/called PATH=$tap_dir/bin:$PATH
run "$vmtool" ssh -i key -p 2222 -o Compression=yes web -- printf '<%s>' one 'two  words' '' "it's" '$HOME' '*' \
	'"' '\' $'a\nb' 'a;b' -n -- '~' '#' '!x' 'ä'
is "$out" "<one><two  words><><it's><\$HOME><*><\"><\\><a
b><a;b><-n><--><~><#><!x><ä>" "arguments arrive as they are"
like "$(xargs <"$CALLED" 2>/dev/null)" "-i key -p 2222 -o Compression=yes -l root" "options are ssh's"
run "$vmtool" ssh web sh -c 'exit 42'
is "$rc" 42 "the command's exit code"
run "$vmtool" ssh web echo $(seq 200)
is "$out" "$(echo $(seq 200))" "many words are one for ssh"
done_testing
