# ssh.sh ROUNDS SEED - a VM starts, and ssh, scp, sftp and rsync reach it at once; runs in the lab.
# with: out/guest/ssh
#
# It is started again, or made anew under the old name; through vsock and through its forward in turn; with the
# file that ssh-config once printed, and no host key taken on trust. Exits 1 when a round failed.
. /lab/in/host.sh
. /lab/in/random.sh
[ -x /usr/bin/ssh ] || busybox tar -xf /lab/in/ssh/client.tar -C /
export HOME=/root PATH="$PATH:/usr/bin"

rounds=$1 seed=$2
failures=0 port=4022
dir=$(mktemp -d)
sshd='sh mkdir -p /run/sshd /var/log; /usr/sbin/sshd -E /var/log/sshd'
complaints='error|fatal|kex|penalt|identification|invalid|timeout|bad '

fail() {
	failures=$((failures + 1))
	echo "round $round ($what): $*"
}

begin() {
	vmtool start -q web --kernel /lab/vmlinux --initrd /lab/in/ssh/initrd --memory 384M --ssh-user root \
		--script "$sshd" -p "ssh=$port:22" --timeout 120s >"$dir/out" 2>&1 || fail "start: $(cat "$dir/out")"
}

# quiet NAME COMMAND...: it must succeed, and say nothing.
quiet() {
	name=$1
	shift
	"$@" >"$dir/out" 2>&1 || fail "$name: exit code $?: $(cat "$dir/out")"
	[ ! -s "$dir/out" ] || fail "$name says: $(cat "$dir/out")"
}

there() { vmtool exec web -- md5sum "$1" | cut -d' ' -f1; }

reach() { # OPTION...: with all that speaks ssh
	random 300000
	head -c "$number" /dev/urandom >"$dir/file"
	sum=$(md5sum <"$dir/file" | cut -d' ' -f1)
	quiet ssh ssh -F "$dir/config" "$@" web.vm true
	quiet scp scp -q -F "$dir/config" "$@" "$dir/file" web.vm:/tmp/scp
	[ "$(there /tmp/scp)" = "$sum" ] || fail "scp: not the same $number bytes"
	echo "@get /tmp/scp $dir/sftp" >"$dir/batch"
	quiet sftp sftp -q -b "$dir/batch" -F "$dir/config" "$@" web.vm
	[ "$(md5sum <"$dir/sftp" | cut -d' ' -f1)" = "$sum" ] || fail "sftp: not the same $number bytes"
	quiet rsync rsync -e "ssh -F $dir/config $*" "$dir/file" web.vm:/tmp/rsync
	[ "$(there /tmp/rsync)" = "$sum" ] || fail "rsync: not the same $number bytes"
	rm -f "$dir/sftp"
}

round_of() {
	random 2
	what="started again"
	[ "$number" = 0 ] || { what="made anew" && quiet rm vmtool rm -f web; }
	vmtool stop -q web 2>/dev/null
	begin
	if [ $((round % 2)) = 0 ]; then
		what="$what, vsock"
		reach
	else
		what="$what, forward"
		reach -o ProxyCommand=none -o HostName=127.0.0.1 -o Port=$port
	fi
	vmtool exec web -- cat /var/log/sshd >"$dir/log"
	! grep -iE "$complaints" "$dir/log" >"$dir/out" || fail "sshd complains: $(cat "$dir/out")"
}

first_seed=$seed round=0
[ -d "$VMTOOL_HOME/vms/web" ] || { what="the first" && begin; }
vmtool ssh-config web >"$dir/config"
# An exchange that no quantum computer reads takes a second of this machine.
printf 'Host *\n\tKexAlgorithms curve25519-sha256\n' >>"$dir/config"
while [ "$round" -lt "$rounds" ]; do
	round=$((round + 1))
	round_of
	[ $((round % 10)) -ne 0 ] || echo "  $round rounds, $failures failures"
done
rm -rf "$dir"
echo "ssh: $rounds rounds, $failures failures, SEED=$first_seed"
[ "$failures" -eq 0 ]
