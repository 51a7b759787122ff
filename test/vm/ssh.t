# ssh: with the keys made for a VM: from the first moment, checked, and through whichever door.
# with: test/vm/host.sh test/soak/random.sh test/soak/ssh.sh out/guest/ssh
. /lab/in/lib.sh
. /lab/in/host.sh
busybox tar -xf /lab/in/ssh/client.tar -C /
export HOME=/root PATH="$PATH:/usr/bin"
folder=$VMTOOL_HOME/vms/web pins=$VMTOOL_HOME/ssh/known_hosts

# The guest's sshd is a part of its boot; where it is reached from outside, too, it gates.
sshd='sh mkdir -p /run/sshd /var/log; /usr/sbin/sshd -E /var/log/sshd'
guest="--kernel /lab/vmlinux --initrd /lab/in/ssh/initrd --memory 384M --timeout 120s -p ssh=4022:22"
# shellcheck disable=SC2086 # options
begin() { vmtool start -q web $guest --ssh-user root "$@"; }
print() { ssh-keygen -l -f "$1" | cut -d' ' -f2; }

run begin --script "$sshd"
is "$rc" 0 "a VM starts whose user has a key"
diag "$err"
is "$(stat -c %a $folder/client_key $folder/host_key | xargs)" "600 600" "both keys are there, and for us alone"
ok "OpenSSH reads them" eval "ssh-keygen -y -f $folder/client_key && ssh-keygen -l -f $folder/host_key"
run vmtool ssh web -- printf '<%s>' one 'two  words' "it's"
is "$rc/$out/$err" "0/<one><two  words><it's>/" "ssh, at once: not a word of an unknown host"
like "$(vmtool show web | grep ssh_banner)" "its host key is the right one" "ready was that its server has the key that was made for it"
is "$(vmtool exec web -- stat -c '%a %U' /root /root/.ssh /root/.ssh/authorized_keys | xargs)" \
	"700 root 700 root 600 root" "in the guest the files are as StrictModes wants them"
is "$(vmtool exec web -- /usr/sbin/sshd -T | grep -E -c '^(passwordauthentication no|kbdinteractiveauthentication no|permitrootlogin (without-password|prohibit-password)|strictmodes yes)$')" \
	4 "and sshd takes neither passwords nor what sounds like them"
# From here on without the key exchange that no quantum computer reads: it takes a second here.
printf 'Host *\n\tKexAlgorithms curve25519-sha256\n' >/root/.ssh/config

# --- another server in the same guest: Dropbear, which nobody made a key for ---

vmtool exec web -- sh -c 'd=/etc/dropbear/dropbear; /usr/sbin/dropbear -s -E -r ${d}_ecdsa_host_key -r ${d}_ed25519_host_key -p 127.0.0.1:2222 2>/tmp/dropbear'
vmtool forward add -q web 2222:2222 >/dev/null
run vmtool ssh-probe --wait --timeout 20s 127.0.0.1:2222
like "$rc/$out" "0/*SSH-2.0-dropbear" "dropbear greets through a forward"
run vmtool known-hosts scan 127.0.0.1:2222
is "$rc/$(echo "$out" | cut -d' ' -f2,3 | sort)" "0/$(cut -d' ' -f1,2 /root/.ssh/dropbear_*.pub | sort)" "shows both of its keys"
is "$(echo "$err" | grep -c ' verified$')" 2 "and proves that they are its own"
run vmtool known-hosts pin 127.0.0.1:2222
like "$rc/$err" "0/*2 keys trusted on first use" "they are pinned"
run vmtool known-hosts check 127.0.0.1:2222
is "$rc/$err" "0/" "and the same the next time"
dropbear="-p 2222 -i $folder/client_key -o IdentitiesOnly=yes -o StrictHostKeyChecking=yes -o UserKnownHostsFile=$pins"
# shellcheck disable=SC2086 # options
run ssh $dropbear root@127.0.0.1 cat <$folder/host_key
is "$rc/$err/$out" "0//$(cat $folder/host_key)" "ssh reads what was pinned, and is in"
quiet_dropbear() { vmtool exec web -- grep -q 'Exit before auth' /tmp/dropbear; }
ok "dropbear saw clients that left" within 10 quiet_dropbear
# It has no RSA key, offers one, and says so itself when it is asked.
is "$(vmtool exec web -- cat /tmp/dropbear | grep -v 'Failed assertion (rsa.c' | grep -iE 'string too long|bad|error|timeout|reset|no matching|assertion|fail')" \
	"" "and complains of nothing"
run vmtool ssh -p 2222 web -- touch /tmp/reached
is "$rc" 3 "vmtool ssh goes to no server that has not the VM's own key"
like "$err" "possible man in the middle*shown: *$(print /root/.ssh/dropbear_ecdsa.pub)*pinned: *$(print $folder/host_key) ($folder/host_key)" \
	"and says which key is which"

# --- addresses ---

run vmtool forward add -q web '[::1]:4066:22'
run vmtool ssh-probe '[::1]:4066'
like "$rc/$out" "0/*SSH-2.0-OpenSSH" "IPv6 only, by its address"
# What goes into the loopback device for another machine is never heard of again.
ip route add 192.0.2.0/24 dev lo
printf '::1 six\n192.0.2.1 dead\n192.0.2.1 both\n::1 both\n192.0.2.2 both\n' >>/etc/hosts
run vmtool ssh-probe six:4066
like "$rc/$out" "0/*SSH-2.0-OpenSSH" "IPv6 only, by a name"
run vmtool ssh-probe --connect-timeout 2s --json dead:4066
like "$rc/$out" '124/*"class": "timeout"' "an address that is dead"
run vmtool ssh-probe --connect-timeout 2s --json both:4066
like "$rc/$out" '0/*"class": "ok"*\[::1\]:4066' "is no reason to give up a name that has another"

# --- start after start ---

run sh /lab/in/ssh.sh 2 1
is "$rc" 0 "a VM is started again, and made anew: ssh, scp, sftp and rsync reach it at once, through each door"
diag "$out"

# --- somebody in between ---

was=$(md5sum $folder/client_key $folder/host_key)
mv $folder/host_key $folder/key_of_before
ssh-keygen -q -t ecdsa -b 256 -N '' -C '' -f $folder/host_key
run vmtool ssh web -- touch /tmp/reached
is "$rc" 3 "a server with another key has an exit code of its own"
like "$err" "possible man in the middle*shown: *$(print $folder/key_of_before)*pinned: *$(print $folder/host_key) ($folder/host_key)" \
	"with both fingerprints, and where the right one stands"
vmtool ssh-config web >/tmp/config
run ssh -F /tmp/config -o ProxyCommand=none -o HostName=127.0.0.1 -o Port=4022 web.vm touch /tmp/reached
is "$rc" 255 "nor is it connected to through the forward"
run vmtool exec web -- test -e /tmp/reached
is "$rc" 1 "nothing was run"
mv $folder/key_of_before $folder/host_key
rm $folder/host_key.pub
vmtool stop -q web
before=$(cut -d. -f1 /proc/uptime)
run begin --script 'sh mkdir -p /run/sshd; /usr/sbin/sshd -f /dev/null -h /etc/ssh/host'
took=$(($(cut -d. -f1 /proc/uptime) - before))
is "$rc" 3 "a start whose guest answers with another key ends with that code, too"
like "$err" "possible man in the middle*shown: *ssh-ed25519 SHA256:*pinned: *$(print $folder/host_key) ($folder/host_key)" "says the same"
ok "and waits for nothing more ($took s)" [ $took -lt 30 ]
is "$(md5sum $folder/client_key $folder/host_key)" "$was" "the keys are those of the first time"

# --- a key that was cut ---

truncate -s 200 $folder/client_key
run begin --script "$sshd"
is "$rc" 1 "a key that was cut is no key"
like "$err" "client_key: no key as we make them*remove it" "and is told, with what cures it"
vmtool rm -f web
ok "the keys go with the VM" test ! -e $folder

# --- a guest without keys of ours, whose server was pinned ---

vmtool known-hosts pin --key /root/.ssh/key.pub plain
# shellcheck disable=SC2086 # options
run vmtool start -q plain $guest --script "$sshd"
is "$rc" 3 "so does a start whose server is not the one that is pinned"
like "$err" "possible man in the middle*pinned: *$(print /root/.ssh/key.pub) ($pins:" "with the line where that stands"
vmtool rm -f plain
is "$(grep -c '^plain' "$pins")" 0 "which goes with the VM"
ok "nothing is left" nothing_left
done_testing
