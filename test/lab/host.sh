# host - the lab's contract kept by this host itself, with its own KVM.
#
# Sourced by lab.sh. The folders are made in a mount namespace on a root of its own, so nothing
# of it outlives CMD and this host's / stays as it is.

# Whether this host's KVM can boot a kernel, and a line that says why: doctor tries it.
lab_doctor() {
	local line rc=0
	[ -x out/vmtool ] || { echo "out/vmtool, which would try this host's KVM, is not built"; return 1; }
	line=$(out/vmtool doctor 2>&1) || rc=$?
	read -r _ _ line <<<"$line" # of its first line, behind "kvm" and the verdict
	echo "$line"
	return "$rc"
}

run_on_host() {
	local unshare=(unshare --mount)
	{ [ -r /dev/kvm ] && [ -w /dev/kvm ]; } ||
		die "lab: LAB=host: /dev/kvm cannot be opened; load kvm, join the group kvm, or use LAB=tcg"
	[ "$(id -u)" -eq 0 ] || unshare+=(--user --map-root-user)
	"${unshare[@]}" true 2>/dev/null ||
		die "lab: LAB=host needs a mount namespace, and this host grants none; be root or use LAB=tcg"
	mkdir -p "$lab_cache/hostroot"
	work=$(mktemp -d)
	trap 'rm -rf "$work"' EXIT
	stage "$work"
	exec "${unshare[@]}" test/lab/hostroot.sh "$work" "$lab_cache/hostroot" "$out" "$@"
}
