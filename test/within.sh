# within SECONDS COMMAND...: until it succeeds; 1 when it has not by then. It looks less and less often, down to
# five times a second: looking costs processes, and a lab has little of a CPU.
within() {
	read -r within_now _ </proc/uptime
	within_end=$((${within_now%.*} + $1)) within_pause=2
	shift
	until "$@" 2>/dev/null; do
		read -r within_now _ </proc/uptime
		[ "${within_now%.*}" -le "$within_end" ] || return 1
		sleep "0.$(printf %02d "$within_pause")"
		within_pause=$((within_pause < 14 ? within_pause * 3 / 2 + 1 : 20))
	done
}

# listens PATH: a socket there takes connections. That its file is there says that it will, a moment later.
listens() {
	awk -v path="$1" '$4 == "00010000" && $8 == path { found = 1 } END { exit !found }' /proc/net/unix
}
