# ssh to a VM with a real sshd and real clients, strict checking on; the VM is fake, its guest this machine.
. test/lib.sh
[ "$(id -u)" = 0 ] || plan_skip "only root can give this machine's agent an /etc/ssh of its own"
servers=$PWD/out/servers
. test/cli/vms.sh
others=()
trap '{ kill "${others[@]}"; wait "${others[@]}"; } 2>/dev/null; vms_end; rm -rf "$tap_dir"' EXIT

ssh-keygen -q -t ed25519 -N '' -f "$tap_dir/key"
mkdir etcssh other
for key in etcssh/ssh_host_ed25519_key other/key; do ssh-keygen -q -t ed25519 -N '' -C guest -f "$key"; done
mkdir -p /run/sshd
grep -q ^sshd: /etc/passwd || useradd -r -M -d /run/sshd -s /usr/sbin/nologin sshd

# guest NAME: its agent, whose /etc/ssh is the folder etcssh.
guest() {
	unshare -m sh -c 'mount --bind "$1" /etc/ssh && exec "$2" guest-agent --listen "unix:$3"' sh \
		"$tap_dir/etcssh" "$vmtool" "$VMTOOL_HOME/run/$1/vsock.sock" 2>>"$tap_dir/agent.log" &
	others+=($!)
	within 20 listens "$VMTOOL_HOME/run/$1/vsock.sock"
}
# sshd KEY: a server on $port with that host key.
serve() {
	port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport')
	printf '%s\n' "ListenAddress 127.0.0.1" "Port $port" "HostKey $1" "PidFile none" "UsePAM no" "StrictModes no" \
		"AuthorizedKeysFile $tap_dir/key.pub" "PermitRootLogin prohibit-password" \
		"Subsystem sftp internal-sftp" "LogLevel VERBOSE" >sshd_config
	"$servers/sshd" -D -e -f "$tap_dir/sshd_config" 2>sshd.log &
	sshd=$!
	others+=($sshd)
	"$vmtool" ssh-probe -q --wait --timeout 20s "127.0.0.1:$port"
}

ok "a VM is there" vm_up web
ok "and its guest" guest web
ok "with an SSH server" serve "$tap_dir/etcssh/ssh_host_ed25519_key"
in_guest=(-i "$tap_dir/key" -o IdentityAgent=none -p "$port")

run "$vmtool" known-hosts guest web
is "$rc/$out" "0/web.vm $(cut -d' ' -f1,2 etcssh/ssh_host_ed25519_key.pub)" "the guest hands over its host keys"

# The first connection ever, and nobody is asked.
run "$vmtool" ssh "${in_guest[@]}" web -- sh -c 'exit 42'
is "$rc/$err" "42/" "the first connection: the command's code, and not a word of an unknown host"
run "$vmtool" ssh "${in_guest[@]}" web -- printf '<%s>' one 'two  words' '' "it's" '$HOME' '*' $'a\nb' -n
is "$out" "<one><two  words><><it's><\$HOME><*><a
b><-n>" "arguments arrive as they are"
is "$(echo hello | "$vmtool" ssh "${in_guest[@]}" web -- tr a-z A-Z)" HELLO "and so does stdin"

"$vmtool" ssh-config >config
mine=(-F "$tap_dir/config" -i "$tap_dir/key" -o IdentityAgent=none -o "Port=$port")
failed=0
for i in $(seq "${ROUNDS:-5}"); do
	run ssh "${mine[@]}" web.vm true
	[ "$rc/$err" = 0/ ] || { failed=$((failed + 1)); tap_note err "$err"; }
done
is $failed 0 "ssh with the file that ssh-config prints, ${ROUNDS:-5} times"
head -c 2000000 /dev/urandom >random
run scp -q "${mine[@]}" random "web.vm:$tap_dir/scp"
ok "scp" cmp random scp
echo "get $tap_dir/scp $tap_dir/sftp" >batch
run sftp -q -b batch "${mine[@]}" web.vm
ok "sftp" cmp random sftp
if command -v rsync >/dev/null; then
	run rsync -a -e "ssh ${mine[*]}" random "web.vm:$tap_dir/rsync"
	ok "rsync" cmp random rsync
else
	skip "rsync is not installed" "rsync"
fi
git init -q --bare repo.git
run env GIT_SSH_COMMAND="ssh ${mine[*]}" git clone -q "web.vm:$tap_dir/repo.git" clone
ok "git" test -d clone/.git

# Somebody in between.
cp etcssh/ssh_host_ed25519_key.pub was.pub
cp other/key.pub etcssh/ssh_host_ed25519_key.pub
run "$vmtool" ssh "${in_guest[@]}" web -- touch "$tap_dir/reached"
is "$rc" 3 "a server with another key than the guest's is not connected to, and has an exit code of its own"
like "$err" "web: its SSH server's key is not its guest's: possible man in the middle" "is called by its name"
print() { ssh-keygen -l -f "$1" | cut -d' ' -f2; }
like "$err" "shown: *$(print was.pub)" "with the key that is shown"
like "$err" "pinned: *$(print other/key.pub) (/etc/ssh of the guest)" "the right one, and where it stands"
run "$vmtool" ssh "${in_guest[@]}" -o UserKnownHostsFile=/dev/null web -- touch "$tap_dir/reached"
is "$rc" 3 "no known_hosts of a person's changes that"
run "$vmtool" ssh "${in_guest[@]}" -o StrictHostKeyChecking=no -o KnownHostsCommand=none web -- touch "$tap_dir/reached"
is "$rc" 3 "nor does an option that turns the check off"
run ssh "${mine[@]}" web.vm touch "$tap_dir/reached"
is "$rc" 255 "ssh alone, with our file, goes no further either"
ok "nothing was run" [ ! -e reached ]
: >etcssh/ssh_host_ed25519_key.pub
run "$vmtool" ssh "${in_guest[@]}" web -- touch "$tap_dir/reached"
is "$rc" 255 "nor is a guest that hands over nothing"
like "$err" "web: the host keys it has: no public key is in there" "which is told"
printf 'ssh-ed25519 AAAA\n\033[2J' >etcssh/ssh_host_ed25519_key.pub
run "$vmtool" known-hosts guest web
is "$rc/$out" "1/" "and what is no key goes no further"

# The same name, another machine.
kill $sshd
cp other/key other/key.pub etcssh/
mv etcssh/key.pub etcssh/ssh_host_ed25519_key.pub
ok "a server of the same name with a key of its own" serve "$tap_dir/other/key"
in_guest=(-i "$tap_dir/key" -o IdentityAgent=none -p "$port")
run "$vmtool" ssh "${in_guest[@]}" web -- true
is "$rc/$err" "0/" "is connected to without complaint"
done_testing
