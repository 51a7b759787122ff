# vm.ini, what it includes, and the command line over both: which value counts, where it was said,
# and what is refused.
. test/lib.sh
export VMTOOL_HOME=$tap_dir/home
vm=$VMTOOL_HOME/vms/web
templates=$VMTOOL_HOME/templates
mkdir -p "$vm" "$templates"

ini() {	# FILE CONTENT
	printf %b "$2" >"$1"
}
effective() { run out/vmtool show --config web; }
start() { run out/vmtool start web "$@"; }

refused() {	# WANT CONTENT: of vm.ini
	ini "$vm/vm.ini" "$2"
	start
	is "$rc" 2 "$1: exit code 2"
	like "$err" "$1" "$1"
}

# --- the nearest right word, at the right line ---
refused "vm.ini:2: 'memry' is no key of \[vm\]: did you mean 'memory'?" '[vm]\nmemry = 1G\n'
refused "vm.ini:2: 'colour' is no key of \[vm\]*see: vmtool help config" '[vm]\ncolour = red\n'
refused "vm.ini:1: 'cpus' is no key of the part before the first section: it belongs to \[vm\]" 'cpus = 1\n'
refused "vm.ini:3: 'include' is no key of \[vm\]: it belongs to the part before" '\n[vm]\ninclude = x\n'
refused "vm.ini:1: \[gest\] is no section: did you mean \[guest\]? There are \[vm\]" '[gest]\n\nhostname = a\n'
refused "vm.ini:2: \[vm web\]: this section has no names: write \[vm\]" '\n[vm web]\n'
refused "vm.ini:3: cpus: stands here for the second time" '[vm]\ncpus = 2\ncpus = 2\n'
refused "vm.ini:3: not a line of the form" '[vm]\n\ncpus\n'
refused "vm.ini:2: not a line of the form" '[vm]\n[guest\n'
refused "vm.ini:3: is longer than a line may be" "[vm]\n\nappend = $(printf %6000d 0)\ncpus = 1\n"
refused "vm.ini:1: \[a*...\] is no section" "[$(printf %060d 0 | tr 0 a)]\n"
ini "$vm/vm.ini" '[vm]\n\a = 1\n'
start
like "$err" "vm.ini:2: '\\\\x07' is no key" "what would ring the terminal's bell is escaped"
ini "$vm/vm.ini" '[vm]\n\0000cpus = 1\n'
start
like "$err" "vm.ini: has a NUL byte" "a NUL byte is refused"
head -c 70000 /dev/zero | tr '\0' '#' >"$vm/vm.ini"
start
like "$err" "vm.ini: is larger than 64 KiB" "so is a file that does not end"
rm "$vm/vm.ini"
mkfifo "$vm/vm.ini"
start
is "$rc" 2 "a fifo is not waited for"
like "$err" "vm.ini: is not a regular file" "but refused"
rm "$vm/vm.ini"

# --- a guest of which nothing is ours ---
refused "hostname: a plain VM has nothing of vmtool's" '[guest]\nplain = yes\nhostname = a\n[ready]\nrequire = agent_up\n'
refused "probe web: a plain VM has no agent*or require = agent_up" '[guest]\nplain = yes\n[probe web]\nexec = true\n'
refused "script: a plain VM has nothing" '[guest]\nplain = yes\n[ready]\nrequire = boot_done\n[provision]\nscript = once /a\n'
ini "$vm/vm.ini" '[guest]\nplain = yes\n[ready]\nrequire = agent_up\n[probe web]\nexec = true\n[provision]\nscript = once /nonexistent\n'
start
is "$rc" 1 "one that brings an agent along can be probed and provided for"
rm "$vm/vm.ini"

# --- services ---
refused "\[service db\]: restart: 'often' is none of no, on-failure, always" '[service db]\nexec = /bin/db\nrestart = often\n'
refused "service db: runs nothing: give it exec or shell" '[service db]\nuser = www\n'
refused "\[service db\]: it runs '/bin/db' already" '[service db]\nexec = /bin/db\nshell = db\n'
refused "user: 'a b' is neither NAME nor UID" '[service db]\nexec = /bin/db\nuser = a b\n'
refused "service: there are more than 8" "$(for i in 1 2 3 4 5 6 7 8 9; do printf '[service s%s]\\nexec = /bin/true\\n' $i; done)"
refused "service db: the image's own init runs services" '[guest]\ninit = /sbin/init\n[service db]\nexec = /bin/db\n'
refused "exec: a plain VM has nothing of vmtool's" '[guest]\nplain = yes\n[service db]\nexec = /bin/db\n'

# --- sections with a name ---
refused "vm.ini:1: \[probe\]: whose? write \[probe NAME\]" '[probe]\ntcp = 80\n'
refused "vm.ini:2: \[probe a b\]" '\n[probe a b]\ntcp = 80\n'
refused "vm.ini:2: 'tpc' is no key of \[probe NAME\]: did you mean 'tcp'?" '[probe web]\ntpc = 80\n'
refused "vm.ini:5: tcp: stands here for the second time" '[probe web]\ntcp = 80\n[probe db]\ntcp = 81\ntcp = 82\n'
ini "$templates/probes.ini" '[probe web]\ntcp = 80\ntimeout = 3s\n[probe db]\ntcp = 81\n'
ini "$vm/vm.ini" 'include = probes\n[probe web]\ntcp = 8080\n'
effective
like "$out" "\[probe web\]
tcp = 8080 *vm.ini:3
timeout = 3s *probes.ini:3
\[probe db\]
tcp = 81 *probes.ini:5" "each name has values of its own, from whichever file said them last"

# --- includes ---
ini "$templates/base.ini" '[vm]\nmemory = 64M\ndisk = base.img,ro\n[guest]\nsysctl = a.b=1\nhostname = base\n'
ini "$vm/vm.ini" 'include = base\n[vm]\nmemory = 128M\n[guest]\nsysctl = c.d=2\nhostname =\n'
effective
is "$rc" 0 "a template is included"
like "$out" "memory = 128M * ; $vm/vm.ini:3" "a file's own line wins over what it includes"
like "$out" "disk = $templates/base.img,ro*; $templates/base.ini:3" "a relative path is relative to the file it stands in"
like "$out" "sysctl = a.b=1*base.ini:5
sysctl = c.d=2*vm.ini:5" "values of a list add up"
like "$out" "; hostname is the default" "an empty value takes back what was included"
like "$out" "; kernel is the default: default" "a default is told as one"
run out/vmtool show --config --json web
like "$out" '"key": "memory",
  "value": "128M",
  "origin": "file",' "as JSON too"

printf %s "$out" >"$tap_dir/effective.json"
effective
printf '%s\n' "$out" | sed 's/ ;.*//' >"$tap_dir/again.ini"
ini "$vm/vm.ini" "include = $tap_dir/again.ini\n"
effective
is "$rc" 0 "what it prints is a file it can include"
like "$out" "sysctl = c.d=2" "with every value"

ini "$templates/base.ini" '[vm]\nmemory = 12\n'
refused "$templates/base.ini:2: memory: 12 of what?" 'include = base\n'
ini "$vm/vm.ini" 'include = base\n[vm]\nmemory = 64M\n'
effective
is "$rc" 0 "a bad value that another replaces does no harm"
ini "$templates/base.ini" '[vm]\nmemry = 12M\n'
refused "vm.ini:1: $templates/base.ini:2: 'memry' is no key" 'include = base\n'
refused "vm.ini:1: include: there is no template 'bse'" 'include = bse\n'
refused "vm.ini:1: include: $vm/gone.ini: there is no such file" 'include = gone.ini\n'
refused "vm.ini:1: include: names no file" 'include =\n'
refused "vm.ini:1: include: $vm/../web: is not a regular file" 'include = ../web\n'
ini "$vm/a.ini" 'include = ./b.ini\n'
ini "$vm/b.ini" 'include = ././a.ini\n'
refused "b.ini:1: include: this file includes itself: $vm/vm.ini > $vm/a.ini > $vm/b.ini > $vm/a.ini" 'include = a.ini\n'
for i in 1 2 3 4 5 6 7 8 9; do
	ini "$vm/d$i.ini" "include = d$((i + 1)).ini\n"
done
ini "$vm/d8.ini" '[vm]\ncpus = 3\n'
ini "$vm/vm.ini" 'include = d1.ini\n'
effective
like "$out" "cpus = 3 * ; $vm/d8.ini:2" "eight files deep is fine"
ini "$vm/d8.ini" 'include = d9.ini\n'
ini "$vm/d9.ini" '[vm]\ncpus = 3\n'
refused "include: more than 8 files deep: $vm/vm.ini > $vm/d1.ini" 'include = d1.ini\n'

# --- the command line over it; what is kept is who was included, not what stood there ---
ini "$templates/base.ini" '[vm]\nmemory = 64M\ndisk = base.img\n[main]\narg = /bin/base\narg = x\n'
ini "$vm/vm.ini" 'include = base\n[vm]\ndisk = /own.img\n'
echo >"$tap_dir/kernel"
truncate -s 512 "$tap_dir/new.img"
start --kernel "$tap_dir/kernel" --disk "$tap_dir/new.img" --append ' a ;b ' -- /bin/new ''
is "$rc" 1 "no VM can start from that kernel"
is "$(grep -v '^#' "$vm/vm.ini")" "include = base
[vm]
kernel = $tap_dir/kernel
append = \" a \\x3bb \"
disk =
disk = $tap_dir/new.img
[main]
arg =
arg = /bin/new
arg = \"\"" "vm.ini has the include, and what was said now in the place of what it had"
effective
like "$out" "memory = 64M * ; $templates/base.ini:2" "what the template says of other things counts"
is "$(printf '%s\n' "$out" | grep -c '^disk\|^arg')" 3 "what it says of these does not"


mkdir "$VMTOOL_HOME/vms/taken"
ini "$VMTOOL_HOME/vms/taken/vm.ini" '[guest]\nsysctl =\nsysctl = a.b=1\n[guest]\nsysctl =\nsysctl = c.d=2\n'
run out/vmtool start taken --kernel "$tap_dir/kernel"
is "$(grep -v '^#' "$VMTOOL_HOME/vms/taken/vm.ini")" "[vm]
kernel = $tap_dir/kernel
[guest]
sysctl = a.b=1
sysctl =
sysctl = c.d=2" "what vm.ini takes back of itself is taken back still when it is written anew"

ini "$templates/other.ini" '[vm]\ncpus = 2\n'
start --config other --config "$templates/base.ini" --disk ''
is "$(grep -v '^#' "$vm/vm.ini" | head -n 3)" "include = other
include = $templates/base.ini
[vm]" "--config replaces the includes of vm.ini"
start --config nothing
is "$rc" 2 "--config of no template: exit code 2"
like "$err" "start: --config: there is no template 'nothing' ($templates/nothing.ini)" "with where it would be"
start --config ''
is "$(grep -c include "$vm/vm.ini")" 0 "an empty --config takes them back"
start --cpus 1 --cpus 2
like "$err" "start: --cpus: stands here for the second time" "an option of one value is said once"

# --- help ---
run out/vmtool help config
is "$rc" 0 "help config"
like "$out" "  memory = SIZE*default:*256M*[--memory, -m]" "has every key with its default and its option"
is "$(printf '%s\n' "$out" | awk 'length > 79')" "" "and fits a terminal"
run out/vmtool start web --memroy 1G
like "$err" "no such option: --memroy*did you mean --memory?" "a misspelt option has its neighbour named"
run out/vmtool strat
like "$err" "'strat' is not one of its words: did you mean 'start'?" "a misspelt word too"
# --- what would come of it ---

echo "not really" >"$tap_dir/vmlinux"
refused "vm.ini:2: huge-pages: 'yes' is neither transparent, reserved nor no" '[vm]\nhuge-pages = yes\n'
refused "huge-pages: reserved ones have 2 MiB, and memory, *, is no multiple of that" '[vm]\nmemory = 65M\nhuge-pages = reserved\n'
refused "balloon: what prefault or reserved huge pages keep for the guest it cannot leave" '[vm]\nballoon = 64M\nprefault = yes\n'
refused "balloon: must leave the guest 32M of its memory" '[vm]\nmemory = 64M\nballoon = 40M\n'
refused "vm.ini:2: kvm: 'yes' is neither native nor any" '[vm]\nkvm = yes\n'
refused "vm.ini:2: console-device: 'tty' is neither serial nor virtio" '[vm]\nconsole-device = tty\n'

run out/vmtool create --dry-run next --kernel "$tap_dir/vmlinux" --memory 512M
is "$rc/$err" "0/" "create --dry-run says what a VM would be"
like "$out" "*memory = 512M * ; the command line*" "and where each value was said"
ok "and makes none" test ! -e "$VMTOOL_HOME/vms/next"
out/vmtool create next --kernel "$tap_dir/vmlinux" --memory 512M >/dev/null
run out/vmtool create --dry-run next --kernel "$tap_dir/vmlinux"
is "$rc" 1 "nor says it of a name that is taken"
before=$(cat "$VMTOOL_HOME/vms/next/vm.ini")
run out/vmtool start --dry-run next --cpus 3
is "$rc" 0 "start --dry-run says what one that is there would be"
like "$out" "*cpus = 3 * ; the command line*memory = 512M * ; $VMTOOL_HOME/vms/next/vm.ini:*" "its own vm.ini and the options over it"
is "$(cat "$VMTOOL_HOME/vms/next/vm.ini")/$(out/vmtool ls --no-header --columns state next)" "$before/created" "and changes nothing"
run out/vmtool start --dry-run next --initrd /nowhere
is "$rc" 1 "what could not start is told"
like "$err" "initrd /nowhere: No such file" "with the reason"

done_testing
