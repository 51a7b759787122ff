# forward: what a person meets who has no VM that runs.
. test/lib.sh
vmtool=$PWD/out/vmtool
export VMTOOL_HOME=$tap_dir/home
unset XDG_RUNTIME_DIR

says() {
	local want_rc=$1 want=$2
	shift 2
	run "$vmtool" "$@" </dev/null
	is "$rc" "$want_rc" "$*: exit code $want_rc"
	like "$err" "$want" "$*: $want"
}

says 2 "add, ls or rm is missing" forward
says 2 "'show' is not add, ls or rm" forward show
says 2 "NAME is missing" forward add
says 2 "RULE is missing" forward add web
says 2 "WHICH is missing" forward rm web
says 2 "'Web' is not a VM name" forward ls Web
says 1 "web: there is no VM of this name" forward ls web
says 1 "web: there is no VM of this name" forward add web 80
run "$vmtool" forward ls --json
is "$rc/$out" "0/[]" "no VM has no forwards"

# A rule is refused before there is anything of the VM.
says 2 "--publish: '80:x'" start web -p 80:x
says 2 "write 0.0.0.0 or" start web --publish '*:80:80'
says 2 "--publish: 'auto:'" run -p auto: -- true
ok "and leaves nothing" [ ! -e "$VMTOOL_HOME/vms/web" ]

mkdir -p "$VMTOOL_HOME/vms/web"
printf '[forward]\npublish = ssh\npublish = 8000-8010:80\n' >"$VMTOOL_HOME/vms/web/vm.ini"
says 2 "vm.ini:3: publish: '8000-8010:80': both ranges have to be of the same length" start web
says 1 "web: is not running (created)" forward add web 80
run "$vmtool" forward ls web
is "$rc" 0 "one that does not run has none"
run "$vmtool" help forward
like "$out" "8080:80" "help says what a rule is"
done_testing
