# known-hosts scan: the keys of real servers are learnt and verified; one that lies is found out.
. test/lib.sh
vmtool=$PWD/out/vmtool
have=$PWD/out/servers
export VMTOOL_HOME=$tap_dir/home
servers=()
trap '{ kill "${servers[@]}"; wait; } 2>/dev/null; rm -rf "$tap_dir"' EXIT
file=$VMTOOL_HOME/ssh/known_hosts
kh() { "$vmtool" known-hosts "$@"; }
free_port() { perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(Listen => 1, LocalAddr => "127.0.0.1")->sockport'; }
if [ "$(id -u)" = 0 ]; then
	mkdir -p /run/sshd
	grep -q ^sshd: /etc/passwd || useradd -r -M -d /run/sshd -s /usr/sbin/nologin sshd
fi
cd "$tap_dir" || exit
for kind in ed25519: ecdsa:256 ecdsa:384 ecdsa:521 rsa:2048 rsa:4096 rsa:8192; do
	ssh-keygen -q -t "${kind%:*}" ${kind#*:} -N '' -f "key${kind/:/}" 2>/dev/null ||
		ssh-keygen -q -t "${kind%:*}" -b "${kind#*:}" -N '' -f "key${kind/:/}"
done
# serve [LINE...]: sshd on $port.
serve() {
	port=$(free_port)
	printf '%s\n' "ListenAddress 127.0.0.1" "Port $port" "PidFile none" "LogLevel VERBOSE" "UsePAM no" "$@" >sshd_config
	"$have/sshd" -D -e -f "$tap_dir/sshd_config" 2>sshd.log &
	servers+=($!)
	"$vmtool" ssh-probe -q --wait --timeout 60s "127.0.0.1:$port"
}
key() { cut -d' ' -f1,2 "key$1.pub"; }
print() { ssh-keygen -l -f "key$1.pub" | cut -d' ' -f2; }

# All types at once, in both ways to exchange keys.
for kex in curve25519-sha256 ecdh-sha2-nistp256; do
	serve "KexAlgorithms $kex" "HostKey $tap_dir/keyed25519" "HostKey $tap_dir/keyecdsa256" \
		"HostKey $tap_dir/keyrsa4096"
	run kh scan "127.0.0.1:$port"
	is "$rc/$out" "0/[127.0.0.1]:$port $(key ed25519)
[127.0.0.1]:$port $(key ecdsa256)
[127.0.0.1]:$port $(key rsa4096)" "$kex: each key as a line of known_hosts"
	for kind in ed25519 ecdsa256 rsa4096; do
		like "$err" "$(print $kind) verified" "$kex: $kind is verified"
	done
	run grep -iE 'kex_exchange_identification|unable to negotiate|banner exchange|reset|bad|error|fatal|invalid|penalty' sshd.log
	is "$out" "" "$kex: sshd complains of nothing"
done
for kind in ecdsa384 ecdsa521 rsa2048; do
	serve "HostKey $tap_dir/key$kind"
	run kh scan "127.0.0.1:$port"
	is "$rc/$out" "0/[127.0.0.1]:$port $(key $kind)" "$kind alone"
	like "$err" "$(print $kind) verified" "$kind is verified"
done
serve "HostKey $tap_dir/keyrsa2048" "HostKeyAlgorithms rsa-sha2-256"
run kh scan "127.0.0.1:$port"
like "$rc/$err" "0/*$(print rsa2048) verified" "rsa-sha2-256"
serve "HostKey $tap_dir/keyrsa8192"
run kh scan "127.0.0.1:$port"
like "$rc/$err" "0/*$(print rsa8192) unverified" "RSA of 8192 bits is shown, and not called verified"
run kh pin "127.0.0.1:$port"
is "$rc" 1 "and not pinned"
like "$err" "no key of it could be verified" "which is said"
ok "no file was made for it" [ ! -e "$file" ]
serve "HostKey $tap_dir/keyed25519" "KexAlgorithms diffie-hellman-group14-sha256"
run kh scan "127.0.0.1:$port"
is "$rc/$out" "1/" "no way to exchange keys in common"
like "$err" "neither curve25519-sha256 nor ecdh-sha2-nistp256" "which is said"

# Trust on first use, without an agent.
serve "HostKey $tap_dir/keyed25519"
run kh pin --as web "127.0.0.1:$port"
is "$rc/$(cat "$file")" "0/web $(key ed25519)" "pin asks the server itself"
like "$err" "1 key trusted on first use" "and says what that is worth"
run kh pin --as web "127.0.0.1:$port"
is "$rc/$err" "0/" "a second time there is nothing to say"
serve "HostKey $tap_dir/keyecdsa256"
for verb in check pin; do
	run kh $verb --as web "127.0.0.1:$port"
	is "$rc" 3 "$verb: another key is a mismatch"
	like "$err" "possible man in the middle" "$verb: and called so"
done

# Dropbear.
port=$(free_port)
for type in ecdsa ed25519; do "$have/dropbearkey" -t $type -f drop_$type >/dev/null 2>&1; done
"$have/dropbear" -F -E -r drop_ecdsa -r drop_ed25519 -p "127.0.0.1:$port" -P "$tap_dir/dropbear.pid" 2>dropbear.log &
servers+=($!)
"$vmtool" ssh-probe -q --wait --timeout 60s "127.0.0.1:$port"
run kh scan "127.0.0.1:$port"
is "$rc/$(printf '%s\n' "$err" | grep -c ' verified$')" "0/2" "dropbear's keys are verified"
for type in ecdsa ed25519; do
	like "$out" "$("$have/dropbearkey" -y -f drop_$type | grep -o 'A\{4\}[^ ]*' | head -n 1)" "dropbear: $type is the one it has"
done
# It offers RSA without having such a key, and says so itself when it is asked for it.
run grep -viE "Failed assertion \(rsa.c" dropbear.log
run grep -iE 'string too long|bad|error|timeout|reset|no matching|assertion' <<<"$out"
is "$out" "" "dropbear complains of nothing"

# Somebody in between who shows the server's own key but has exchanged keys himself: here the client's
# proposal is another one on the server's side, by one byte of its cookie.
for type in ssh-ed25519 ecdsa-sha2-nistp256 rsa-sha2-512; do
	serve "HostKey $tap_dir/key$(case $type in ssh-*) echo ed25519 ;; e*) echo ecdsa256 ;; *) echo rsa2048 ;; esac)"
	between=$(free_port)
	perl -MIO::Socket::INET -MIO::Select -e '
		my ($at, $to) = @ARGV;
		my $l = IO::Socket::INET->new(Listen => 8, LocalAddr => "127.0.0.1", LocalPort => $at) or die;
		while (my $c = $l->accept) {
			my $s = IO::Socket::INET->new(PeerAddr => "127.0.0.1", PeerPort => $to) or die;
			my ($sel, $sent) = (IO::Select->new($c, $s), "");
			while ($sel->count) { for my $f ($sel->can_read) {
				my $n = sysread $f, my $x, 9999;
				my $o = $f == $c ? $s : $c;
				if (!$n) { $sel->remove($f); shutdown $o, 1; next }
				if ($f == $c) {
					my $before = length $sent;
					$sent .= $x;
					my $cookie = index($sent, "\n") + 7;
					substr($x, $cookie - $before, 1) ^= "\1"
						if $cookie > 6 && $cookie >= $before && $cookie < length $sent;
				}
				syswrite $o, $x;
			} }
		}' $between "$port" &
	servers+=($!)
	"$vmtool" ssh-probe -q --wait --timeout 60s "127.0.0.1:$between"
	run kh scan "127.0.0.1:$between"
	is "$rc/$out" "1/" "$type: a signature over another exchange is not taken"
	like "$err" "the signature is another" "$type: and said to be"
done

# Several, and none.
serve "HostKey $tap_dir/keyed25519"
run kh scan "127.0.0.1:1" "127.0.0.1:$port"
is "$rc/$out" "1/[127.0.0.1]:$port $(key ed25519)" "one that does not answer hides no other"
run kh scan
is "$rc" 2 "scan without HOST"
run kh scan web:0
is "$rc" 2 "scan of port 0"
done_testing
