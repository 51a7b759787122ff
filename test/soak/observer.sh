# observer.sh ROUNDS SEED - starts, and a stranger who connects from outside every 5 ms from the moment
# `start` has returned 0; runs in the lab. Exits 1 when one connection went wrong.
#
# The server in the guest comes late, and before it one that accepts and closes, or nobody.
# with: out/tools/observer
. /lab/in/host.sh
. /lab/in/random.sh
chmod +x /lab/in/observer

rounds=$1 seed=$2 first_seed=$2
failures=0 tries=0
look_ms=300

fail() {
	failures=$((failures + 1))
	echo "round $round ($kind): $*"
}

# late PORT SERVER: a script for the guest in whose background a server comes after a moment; in every
# other round one before it takes connections, and closes them.
late() {
	random 1000
	after=$((number / 1000)).$(printf %03d $((number % 1000)))
	random 2
	before="sleep $after"
	[ "$number" = 0 ] || before="nc -ll -p $1 -e /bin/true & closer=\$!; sleep $after; kill \$closer"
	echo "sh ($before; $2) </dev/null >/dev/null 2>&1 &"
}

greeter='printf "#!/bin/sh\nprintf \"SSH-2.0-late\\\\r\\\\n\"; cat\n" >/bin/greet; chmod +x /bin/greet; nc -ll -p 22 -e /bin/greet'
web='mkdir /www; echo here >/www/index.html; httpd -p 127.0.0.1:80 -h /www'
get='GET /index.html HTTP/1.0'

# What gates, and what the stranger then sees.
round_inside() {
	start web -q -p 8080:80 --probe "web http=80/index.html" --script "$(late 80 "$web")" >/dev/null 2>/tmp/out &&
		look=$(/lab/in/observer 8080 $look_ms 'HTTP/1.1 200' "$get")
}
round_outside() {
	start web -q -p 8080:80 --probe "web http=8080/index.html from=host" --script "$(late 80 "$web")" >/dev/null 2>/tmp/out &&
		look=$(/lab/in/observer 8080 $look_ms 'HTTP/1.1 200' "$get")
}
round_banner() {
	start web -q -p ssh=2222:22 --script "$(late 22 "$greeter")" >/dev/null 2>/tmp/out &&
		look=$(/lab/in/observer 2222 $look_ms SSH-2.0-late)
}

round=0
while [ "$round" -lt "$rounds" ]; do
	round=$((round + 1))
	random 3
	kind=$(echo inside outside banner | cut -d' ' -f$((number + 1)))
	look=
	"round_$kind" || fail "${look:-start: $(tail -n 3 /tmp/out)}"
	[ -z "$look" ] || tries=$((tries + ${look%% *}))
	vmtool rm -f web >/dev/null 2>&1
done
[ $tries -ge $((rounds * 15)) ] || fail "the stranger came $tries times only"
nothing_left || fail "left behind: $(left | xargs)"
echo "observer: $rounds starts, $tries connections from outside, $failures failures, SEED=$first_seed"
[ $failures = 0 ]
