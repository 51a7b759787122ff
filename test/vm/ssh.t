# ssh: with the keys made for a VM: from the first moment, checked, and through whichever door.
# with: test/vm/host.sh out/guest/ssh
. /lab/in/lib.sh
. /lab/in/host.sh
busybox tar -xf /lab/in/ssh/client.tar -C /
export HOME=/root PATH="$PATH:/usr/bin"
rounds=${ROUNDS:-3}

# The guest's sshd is a part of its boot; where it is reached from outside, too, it gates.
sshd='sh mkdir -p /run/sshd /var/log; /usr/sbin/sshd -E /var/log/sshd'
begin() { # NAME OPTION...
	vmtool start -q "$@" --kernel /lab/vmlinux --initrd /lab/in/ssh/initrd --memory 384M --ssh-user root \
		--script "$sshd" -p ssh --timeout 120s
}
port_of() { vmtool forward ls "$1" | sed -n 's/.*127\.0\.0\.1:\([0-9]*\).*/\1/p' | head -n 1; }
folder=$VMTOOL_HOME/vms/web

run begin web
is "$rc" 0 "a VM starts whose user has a key"
diag "$err"
is "$(stat -c %a $folder/client_key $folder/host_key | xargs)" "600 600" "both keys are there, and for us alone"
ok "OpenSSH reads them" eval "ssh-keygen -y -f $folder/client_key && ssh-keygen -l -f $folder/host_key"
run vmtool ssh web -- printf '<%s>' one 'two  words' "it's"
is "$rc/$out/$err" "0/<one><two  words><it's>/" "ssh, at once: not a word of an unknown host"
is "$(vmtool exec web -- stat -c '%a %U' /root /root/.ssh /root/.ssh/authorized_keys | xargs)" \
	"700 root 700 root 600 root" "in the guest the files are as StrictModes wants them"
is "$(vmtool exec web -- /usr/sbin/sshd -T | grep -E -c '^(passwordauthentication no|kbdinteractiveauthentication no|permitrootlogin (without-password|prohibit-password)|strictmodes yes)$')" \
	4 "and sshd takes neither passwords nor what sounds like them"

vmtool ssh-config >/tmp/config
head -c 300000 /dev/urandom >/tmp/random
round() { # LABEL OPTION...: what everybody does with ssh
	label=$1
	shift
	run ssh -F /tmp/config "$@" web.vm true
	is "$rc/$err" "0/" "$label: ssh"
	run scp -q -F /tmp/config "$@" /tmp/random web.vm:/tmp/scp
	is "$rc/$err" "0/" "$label: scp"
	echo "get /tmp/scp /tmp/sftp" >/tmp/batch
	rm -f /tmp/sftp
	run sftp -q -b /tmp/batch -F /tmp/config "$@" web.vm
	is "$rc/$err/$(md5sum </tmp/sftp)" "0//$(md5sum </tmp/random)" "$label: sftp"
	run rsync -e "ssh -F /tmp/config $*" /tmp/random web.vm:/tmp/rsync
	is "$rc/$err/$(vmtool exec web -- md5sum /tmp/rsync)" "0//$(md5sum </tmp/random | sed 's, -, /tmp/rsync,')" \
		"$label: rsync"
}
round "through vsock"
forwarded="-o ProxyCommand=none -o HostName=127.0.0.1 -o Port=$(port_of web)"
# shellcheck disable=SC2086 # options
round "through the forward" $forwarded
vmtool exec web -- cat /var/log/sshd >/tmp/sshd.log
is "$(grep -ciE 'error|fatal|kex|penalt|identification|invalid|timeout|bad ' /tmp/sshd.log)" 0 \
	"whoever waited for the server has left no complaint in its log"
diag "$(grep -iE 'error|fatal|kex|penalt|identification|invalid|timeout|bad ' /tmp/sshd.log)"

# --- start after start ---

was=$(md5sum $folder/client_key $folder/host_key)
failed=0 i=0
while [ $i -lt "$rounds" ]; do
	i=$((i + 1))
	vmtool stop -q web
	begin web >/dev/null 2>/tmp/why || { failed=$((failed + 1)); diag "$(cat /tmp/why)"; continue; }
	for way in "vmtool ssh web --" "ssh -F /tmp/config web.vm" "ssh -F /tmp/config $forwarded web.vm"; do
		run $way echo there
		[ "$rc/$out/$err" = 0/there/ ] || { failed=$((failed + 1)); diag "$way: $rc $err"; }
	done
done
is $failed 0 "start, and ssh at once, through each door, $rounds times"
is "$(md5sum $folder/client_key $folder/host_key)" "$was" "with the keys of the first time"

vmtool rm -f web
ok "the keys go with the VM" test ! -e $folder
done_testing
