# start: what the guest is asked to become is refused here, before anything is made.
. test/lib.sh
export VMTOOL_HOME=$tap_dir/home

refused() {	# WANT OPTION...
	local want=$1
	shift
	run out/vmtool start web "$@"
	is "$rc" 2 "$want: exit code 2"
	like "$err" "$want" "$want"
}
refused "--net: 'dhcp' does not say which interface" --net 'dhcp'
refused "--root: ' ' is not SOURCE" --root ' '
refused "--mount: 'srv' is no folder of the guest" --mount 'tmpfs srv tmpfs'
refused "overlay: there is no root" --overlay tmpfs
refused "env, workdir and user are the main process's" -w /tmp
refused "cannot have both" --init /sbin/init -- /bin/true
refused "'/bin/true' is not a VM name" /bin/true
refused "the main process's name is empty" -- ''
ok "nothing is made of it" test ! -e "$VMTOOL_HOME/vms/web"

# The same of vm.ini, with file and line.
mkdir -p "$VMTOOL_HOME/vms/web"
ini() {	# WANT CONTENT
	# shellcheck disable=SC2059 # with escapes
	printf "$2" >"$VMTOOL_HOME/vms/web/vm.ini"
	run out/vmtool start web
	is "$rc" 2 "$1: exit code 2"
	like "$err" "/vms/web/vm.ini:$1" "$1"
}
ini "3: net: '10.0.0.1' does not say how large" '[guest]\nhostname = web\nnet = eth0 address=10.0.0.1\n'
ini "2: hostname: 'a_b' is no host name" '[guest]\nhostname = a_b\n'
ini "3: hostname: stands here for the second time" '[guest]\nhostname = a\nhostname = b\n'
ini "2: 'cpus' is no key of \[guest\]: it belongs to \[vm\]" '[guest]\ncpus = 2\n'
ini '2: arg: after the first "' '[main]\narg = "half\n'
ini "1: \[mount\] is no section" '[mount]\nx = y\n'
done_testing
