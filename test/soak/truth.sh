# truth.sh - whether what VMs are shown as is what is there; in the lab, beside host.sh.

exists() { [ -d "$VMTOOL_HOME/vms/$1" ]; }
state_now() { vmtool ls --no-header --columns state "$1" 2>/tmp/out; }
# One that stands still does not answer, ever.
answers() { [ "$(timeout 60 vmtool exec "$1" -- echo here 2>/tmp/out)" = here ]; }
half_files() { (cd "$VMTOOL_HOME/vms/$1" && echo .[!.]*) | grep -v '[*]'; }

# all_agree NAME...: these are all VMs there may be; $untrue says what is not so. A process takes a while to die.
all_agree() {
	untrue= living=0
	for name in "$@"; do
		! exists "$name" || one_agrees "$name" || return
	done
	here=$(processes agent | wc -l)/$(processes vmm | wc -l)
	[ "$here" = "$living/$living" ] || untrue="agents/vmms: $here, where $living live"
	[ -z "$untrue" ]
}
one_agrees() {
	state=$(state_now "$1")
	case $state in
	running)
		living=$((living + 1))
		answers "$1" || untrue="exec does not answer"
		;;
	paused) living=$((living + 1)) ;;
	created | stopped | failed)
		[ -z "$(sockets_of "$1")" ] || untrue="sockets: $(sockets_of "$1")"
		[ -z "$(half_files "$1")" ] || untrue="half a file: $(half_files "$1")"
		;;
	*) untrue="no state to stay in" ;;
	esac
	untrue="${untrue:+$1: $state, but $untrue}"
	[ -z "$untrue" ]
}

# Its events, if there are any, are 1, 2, 3...
numbered() {
	[ -e "$VMTOOL_HOME/vms/$1/events.jsonl" ] || return 0
	sed 's/^{"seq":\([0-9]*\),.*/\1/' "$VMTOOL_HOME/vms/$1/events.jsonl" >/tmp/seq
	seq 1 "$(wc -l </tmp/seq)" | cmp -s - /tmp/seq
}

traces() {
	grep -c . /proc/locks
	cat /proc/mounts
	ls -A /tmp /dev/shm "$VMTOOL_HOME"
}
