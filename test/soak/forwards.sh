# forwards.sh ROUNDS SEED - connections through one forward, which end in every way there is; runs in the lab.
#
# Nothing may be left of them: no descriptor of the agent, of the vmm and of the guest's process 1, and no
# memory. Exits 1 when one went wrong.
# with: out/tools/crowd
. /lab/in/host.sh

rounds=$1 seed=$2 first_seed=$2
failures=0
parts=4 # after each the figures are taken

fail() {
	failures=$((failures + 1))
	echo "forwards ($1): $2"
}

in_guest() { vmtool exec web -- sh -c "$1"; }
descriptors() { ls "/proc/$1/fd" | wc -l; }
memory() { awk '/^Private_Dirty/ { print $2 }' "/proc/$1/smaps_rollup"; }
figures() {
	fds="$(descriptors "$(processes agent)") $(descriptors "$(processes vmm)") $(in_guest 'ls /proc/1/fd | wc -l')"
	kib="$(memory "$(processes agent)") $(in_guest 'cat /proc/1/smaps_rollup' | awk '/^Private_Dirty/ { print $2 }')"
}
as_before() {
	figures
	[ "$fds" = "$fds_before" ]
}
come() { /lab/in/crowd come 8080 "$1" "$seed" >/tmp/come || fail come "$(cat /tmp/come)"; }
serve() {
	vmtool cp -q /lab/in/crowd web:/bin/crowd && in_guest 'crowd serve 80 </dev/null >/dev/null 2>&1 &'
	within 20 in_guest 'netstat -ltn | grep -q ":80 "' || fail serve "nobody listens in the guest"
}

chmod +x /lab/in/crowd
start web -q -p 8080:80 >/tmp/out 2>&1 || { cat /tmp/out; exit 1; }
serve
come 100 # what is made once is made
figures
fds_before=$fds kib_before=$kib
echo "descriptors of agent, vmm, process 1: $fds; KiB of agent, process 1: $kib"
part=0
while [ $part -lt $parts ]; do
	part=$((part + 1)) seed=$((seed + 1))
	come $((rounds / parts))
	within 20 as_before || fail "part $part" "$fds_before descriptors have become $fds"
	echo "after $((part * (rounds / parts))): $fds; $kib"
done
set -- $kib_before $kib
[ "$3" -le $(($1 + 256)) ] || fail end "$1 KiB of the agent have become $3"
[ "$4" -le $(($2 + 256)) ] || fail end "$2 KiB of process 1 have become $4"
vmtool forward ls web --json | grep -q '"open": 0' || fail end "some are open: $(vmtool forward ls web)"
vmtool rm -f web >/dev/null 2>&1
nothing_left || fail end "left behind: $(left | xargs)"
echo "forwards: $rounds connections, $failures failures, SEED=$first_seed"
[ "$failures" -eq 0 ]
