# streams.sh ROUNDS SEED - streams into one guest that end in every way there is; runs in the lab.
#
# Then ROUNDS/20 MiB (1 GiB for 20000) go there and back through one stream, and must be the same.
# Nothing may be left in the guest's process 1: no descriptor, no memory. Exits 1 on a failure.
. /lab/in/host.sh
. /lab/in/random.sh

rounds=$1 seed=$2
failures=0
mib=$(((rounds + 19) / 20))

fail() {
	failures=$((failures + 1))
	echo "round $round ($1): $2"
}

in_guest() { vmtool exec web -- sh -c "$1"; }
fds() { in_guest 'ls /proc/1/fd | wc -l'; }
kib() { in_guest 'grep RssAnon /proc/1/status | tr -dc 0-9'; }

first_seed=$seed
round=0
start web >/tmp/out 2>&1 || { cat /tmp/out; exit 1; }
in_guest 'printf "#!/bin/sh\nread -r x; case \$x in echo) cat;; md5) md5sum;; say) echo said; exec cat >/dev/null;; esac\n" >/bin/serve; chmod +x /bin/serve
	nc -ll -p 7000 -e /bin/serve </dev/null >/dev/null 2>&1 &'
within 20 in_guest 'netstat -ltn | grep -q ":7000 "' || { echo "nobody listens in the guest"; exit 1; }
proxy() { vmtool ssh-proxy web:7000; }
[ "$(printf 'echo\nx' | proxy)" = x ] || fail start "no echo"
fds_before=$(fds) kib_before=$(kib)

end_echo() { [ "$(printf 'echo\n%s' "$round" | proxy)" = "$round" ] || fail echo "another answer"; }
end_early() { [ "$(printf 'say\n' | proxy)" = said ] || fail early "no answer"; }
end_refused() { vmtool ssh-proxy web:7 </dev/null 2>/tmp/out && fail refused "it was not"; }
end_unread() { printf 'echo\n%s' "$(seq 20000)" | proxy | head -c 10 >/dev/null; }
end_killed() {
	sleep 1000 | proxy >/dev/null 2>&1 &
	random 30000
	usleep "$number"
	killall -9 sleep 2>/dev/null
	kill -9 $! 2>/dev/null
	wait $! 2>/dev/null
}

while [ "$round" -lt "$rounds" ]; do
	round=$((round + 1))
	random 5
	case $number in
	0) end_echo ;;
	1) end_early ;;
	2) end_refused ;;
	3) end_unread ;;
	4) end_killed ;;
	esac
done

# There and back, and its sum at either end.
bytes() { yes "streams $first_seed" | head -c $((mib * 1048576)); }
want=$(bytes | md5sum)
[ "$({ echo md5; bytes; } | proxy)" = "$want" ] || fail bytes "$mib MiB arrived as something else"
[ "$({ echo echo; bytes; } | proxy | md5sum)" = "$want" ] || fail bytes "$mib MiB came back as something else"

within 30 sh -c "[ \$(vmtool exec web -- sh -c 'ls /proc/1/fd | wc -l') -eq $fds_before ]" ||
	fail end "$fds_before descriptors of process 1 have become $(fds)"
[ "$(kib)" -le $((kib_before + 512)) ] || fail end "$kib_before KiB of process 1 have become $(kib)"
echo "process 1: $fds_before descriptors, $kib_before KiB before; $(fds) and $(kib) KiB after; $mib MiB each way"
vmtool stop web >/dev/null 2>&1
echo "streams: $rounds rounds, $failures failures, SEED=$first_seed"
[ "$failures" -eq 0 ]
