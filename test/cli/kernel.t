# kernel: the catalogue of guest kernels, with what a packed one holds and the modules a guest needs.
. test/lib.sh
. build/common.sh
. test/lab/image.sh
set +e	# as common.sh has it: here a command that fails is looked at
export VMTOOL_HOME=$tap_dir/home PATH=$PWD/out:$PATH
catalogue=$VMTOOL_HOME/kernels

# --- a kernel as Debian packages it ---

debian=$(lab_kernel)
version=$(ls "$debian/modules")
run vmtool kernel add "$debian/vmlinuz" --name debian --modules "$debian/modules/$version"
is "$rc $out" "0 debian" "a packaged kernel goes in, with its modules"
is "$(head -c 4 "$catalogue/debian/vmlinux" | tail -c 3)" ELF "as the ELF file that was packed in it"
like "$(vmtool kernel ls)" "*debian *$version *" "ls tells its version"
run vmtool kernel ls --json
like "$out" "*\"packing\": \"lz4\"*\"virtio_ring\"*\"virtio_pci\"*\"vmw_vsock_virtio_transport\"*" \
	"and all of it as JSON: its modules each behind what it needs"
like "$(busybox cpio -t <"$catalogue/debian/modules.cpio" 2>/dev/null)" \
	"*/00-virtio_ring.ko*-vmw_vsock_virtio_transport.ko*" "the archive has them in that order"

# --- what is refused ---

run vmtool kernel add "$debian/vmlinuz" --name debian
is "$rc" 1 "a name is not taken twice"
like "$err" "*in the catalogue already*--replace*" "and the way on is told"
run vmtool kernel add "$debian/vmlinuz" --name debian --replace
is "$rc $(ls "$catalogue/debian")" "0 kernel.json
vmlinux" "with --replace it is another one, whole"
head -c 5000000 "$debian/vmlinuz" >"$tap_dir/cut"
run vmtool kernel add "$tap_dir/cut" --name cut
is "$rc" 1 "a kernel that is cut short does not go in"
like "$err" "*truncated: what is packed in it ends at byte *, the file at 5000000*" "and how much there is is told"
run vmtool kernel add test/lib.sh --name text
like "$rc $err" "1 *neither a bzImage nor an ELF vmlinux*" "nor does what is no kernel"
run vmtool kernel add out/vmtool --name program
like "$rc $err" "1 *out/vmtool: is an ELF file, but no Linux kernel*" "nor a program"
run vmtool kernel add "$tap_dir" --name folder
is "$rc" 1 "nor a folder"
mkfifo "$tap_dir/fifo"
run timeout 20 vmtool kernel add "$tap_dir/fifo" --name fifo
is "$rc" 1 "nor a pipe that nobody writes to"
run vmtool kernel add "$debian/vmlinuz" --name ../x
is "$rc" 2 "nor one whose name is a way out"
run vmtool kernel add "$debian/vmlinuz" --name x --modules "$tap_dir"
like "$rc $err" "1 *has no modules.dep: give the folder of this kernel*" "modules of no kernel are refused"
run vmtool kernel add "$debian/vmlinuz" --name x --modules "$debian/modules/$version" --module nosuch
like "$rc $err" "1 *--module nosuch: there is none of this name*" "and one that does not exist"
run vmtool kernel add "$debian/vmlinuz" --name x --module dm_mod
is "$rc" 2 "a module from nowhere is a wrong command line"
is "$(ls -A "$catalogue")" debian "none of them left anything"

# --- modules as others pack them ---

# tree DIR VERSION: of two modules, the second of which needs the first.
tree() {
	mkdir -p "$1/a"
	for name in virtio_pci vmw_vsock_virtio_transport more-1; do
		printf '\177ELF of %s\0vermagic=%s SMP mod_unload \0' "$name" "$2" >"$1/a/$name.ko"
	done
	printf 'a/virtio_pci.ko:\na/vmw_vsock_virtio_transport.ko: a/virtio_pci.ko\na/more-1.ko.xz: a/virtio_pci.ko\n' \
		>"$1/modules.dep"
	: >"$1/modules.builtin"
	xz -f "$1/a/more-1.ko"
}
# kernel FILE VERSION: what goes for one, of a few bytes.
kernel() { printf '\177ELF\0\0Linux version %s (some@one)\0' "$2" >"$1"; }

tree "$tap_dir/tree" 6.6.1-x
kernel "$tap_dir/vmlinux" 6.6.1-x
run vmtool kernel add "$tap_dir/vmlinux" --name small --modules "$tap_dir/tree" --module more_1
is "$rc" 0 "a kernel that is ELF already goes in as it is"
diag "$err"
mkdir "$tap_dir/unpacked"
(cd "$tap_dir/unpacked" && busybox cpio -i <"$catalogue/small/modules.cpio" 2>/dev/null)
is "$(cd "$tap_dir/unpacked/.vmtool-modules" && ls | xargs)" \
	"00-virtio_pci.ko 01-vmw_vsock_virtio_transport.ko 02-more_1.ko" "modules are taken once, by either spelling"
like "$(tr '\0' ' ' <"$tap_dir/unpacked/.vmtool-modules/02-more_1.ko")" "*ELF of more-1 vermagic*" \
	"and one that was packed is unpacked"
gzip -k "$tap_dir/vmlinux"
run vmtool kernel add "$tap_dir/vmlinux.gz" --name zipped
is "$rc" 0 "so does one that is packed as a whole"
ok "and is the same" cmp "$tap_dir/vmlinux" "$catalogue/zipped/vmlinux"
kernel "$tap_dir/other" 6.6.2-x
run vmtool kernel add "$tap_dir/other" --name other --modules "$tap_dir/tree"
like "$rc $err" "1 *is of kernel 6.6.1-x, and this kernel is 6.6.2-x*" "modules of another kernel are refused"

# --- out again ---

run vmtool kernel rm nobody small zipped
is "$rc" 1 "rm tells of one that is not there"
is "$out" "small
zipped" "and removes the others"
like "$err" "*kernel nobody: is not in the catalogue*" "by name"
is "$(vmtool kernel ls --json | grep -c '"name"')" 1 "one is left"

# Killed at any moment: there whole, or not at all, and the next one is not in its way. In the foreground, timeout
# waits for the end of what it kills, instead of killing itself besides.
for ms in 001 004 010 030 060 100 150 200; do
	(timeout --foreground -s KILL 0.$ms vmtool kernel add "$debian/vmlinuz" --name killed --replace || :) >/dev/null 2>&1
	[ ! -e "$catalogue/killed" ] || cmp -s "$catalogue/killed/vmlinux" "$catalogue/debian/vmlinux" || half=1
done
is "${half-whole}" whole "one whose adding was killed is never there by half"
run vmtool kernel add "$debian/vmlinuz" --name killed --replace
is "$rc" 0 "and can be added"
diag "$err"
is "$(ls -A "$catalogue" | grep -c new)" 0 "with nothing of the killed ones left"
done_testing
