# within SECONDS COMMAND...: until it succeeds; 1 when it has not by then.
within() {
	within_end=$(($(date +%s) + $1))
	shift
	until "$@" 2>/dev/null; do
		[ "$(date +%s)" -le "$within_end" ] || return 1
		sleep 0.05
	done
}
