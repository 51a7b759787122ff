# ssh into a VM right after its start, with strict checking from the first connection on; no network.
# with: test/vm/host.sh out/guest/ssh/initrd out/guest/ssh/client.tar
. /lab/in/lib.sh
. /lab/in/host.sh
busybox tar -xf /lab/in/client.tar -C /
key=/root/.ssh/key

boot() { vmtool start "$1" --kernel /lab/vmlinux --initrd /lab/in/initrd; }
serve() { vmtool exec "$1" -- sh -c 'mkdir -p /run/sshd && /usr/sbin/sshd'; }

run vmtool ssh nobody -i $key
is "$rc" 255 "no such VM: ssh's failure"
like "$err" "nobody" "and its name is in the sentence"

run boot web
is "$rc" 0 "a VM starts"
[ "$rc" = 0 ] || tap_note err "$err"
run serve web
is "$rc" 0 "with an SSH server in it"

run vmtool known-hosts guest web
is "$rc" 0 "the guest hands over its host keys"
is "$out" "web.vm $(vmtool exec web -- cut -d' ' -f1,2 /etc/ssh/ssh_host_ed25519_key.pub)" "as a line of known_hosts"

# The first connection ever, and nobody is asked.
run vmtool ssh -i $key web -- sh -c 'exit 42'
is "$rc" 42 "the command's exit code"
is "$err" "" "and not a word of an unknown host"
newline='two
lines'
run vmtool ssh -i $key web -- printf '<%s>' one 'two  words' '' "it's" '$HOME' '*' '"' '\' "$newline" 'a;b' -n --
is "$out" "<one><two  words><><it's><\$HOME><*><\"><\\><$newline><a;b><-n><-->" "arguments arrive as they are"
is "$(echo hello | vmtool ssh -i $key web -- tr a-z A-Z)" HELLO "and so does stdin"

vmtool ssh-config >/tmp/ssh_config
for i in 1 2 3 4 5; do
	run ssh -F /tmp/ssh_config -i $key web.vm hostname
	[ "$rc/$err" = 0/ ] || break
done
is "$rc/$err" "0/" "ssh with the file that ssh-config prints"
head -c 3000000 /dev/urandom >/tmp/random
run scp -q -F /tmp/ssh_config -i $key /tmp/random web.vm:/tmp/scp
is "$rc/$(vmtool exec web -- md5sum </tmp/random)" "0/$(vmtool exec web -- sh -c 'md5sum </tmp/scp')" "scp"
echo "get /tmp/scp /tmp/sftp" >/tmp/batch
run sftp -q -b /tmp/batch -F /tmp/ssh_config -i $key web.vm
ok "sftp" cmp /tmp/sftp /tmp/random
mkdir -p /tmp/tree/folder && cp /tmp/random /tmp/tree/folder/
run rsync -a -e "ssh -F /tmp/ssh_config -i $key" /tmp/tree/ web.vm:/tmp/rsync/
is "$rc/$(vmtool exec web -- md5sum </tmp/random)" "0/$(vmtool exec web -- sh -c 'md5sum </tmp/rsync/folder/random')" "rsync"

# Somebody in between: the server has another key than the guest says.
vmtool exec web -- sh -c 'cd /etc/ssh && cp ssh_host_ed25519_key.pub was.pub && cp other.pub ssh_host_ed25519_key.pub'
run vmtool ssh -i $key web -- touch /tmp/reached
is "$rc" 255 "a server with another key is not connected to"
like "$err" "Host key verification failed" "and ssh says why"
run vmtool exec web -- test -e /tmp/reached
is "$rc" 1 "nothing was run there"
vmtool exec web -- sh -c 'rm /etc/ssh/*.pub'
run vmtool ssh -i $key web -- true
is "$rc" 255 "nor is one of a guest that has no keys to hand over"
like "$err" "no host keys" "which is told"

# The same name, another machine.
vmtool stop web >/dev/null 2>&1
vmtool rm web
run boot web
vmtool exec web -- sh -c 'cd /etc/ssh && mv other ssh_host_ed25519_key && mv other.pub ssh_host_ed25519_key.pub'
serve web
run vmtool ssh -i $key web -- hostname
is "$rc/$err" "0/" "a VM made anew under an old name connects without complaint"
vmtool stop web >/dev/null 2>&1
done_testing
