# kernel: a kernel as a distribution packages it, its drivers as modules, boots a guest to ready.
# with: test/vm/host.sh out/guest/kernel out/guest/disk
. /lab/in/lib.sh
. /lab/in/host.sh

packaged=/lab/in/kernel
version=$(ls $packaged/modules)

# --- into the catalogue ---

run vmtool kernel add $packaged/vmlinuz --modules "$packaged/modules/$version"
is "$rc $out" "0 default" "a packaged kernel goes into the catalogue"
diag "$err"
like "$(vmtool kernel ls)" "*default *$version *" "where it stands with its version"

# --- a guest of it ---

cp /lab/in/disk/ext4.img /tmp/first.img
run vmtool start web --initrd /lab/initrd --disk /tmp/first.img
is "$rc" 0 "a VM that names no kernel boots it, and is ready"
like "$err" "modules * ms" "its modules are loaded as a stage of its own"
diag "$err"
is "$(vmtool exec web -- uname -r)" "$version" "the guest runs that kernel"
is "$(vmtool exec web -- sh -c 'ls -d /.vmtool* 2>/dev/null')" "" "what was only for the start is gone"
run vmtool exec web -- sh -c 'mkdir /mnt && mount -t ext4 /dev/vda /mnt && cat /mnt/hello && umount /mnt'
is "$out" "made by the host" "its disk is there"

before=$(vmtool exec web -- cat /proc/sys/kernel/random/boot_id)
vmtool exec web -- reboot -f >/dev/null 2>&1
run vmtool wait web --for ready
is "$rc" 0 "it reboots in place, where such a kernel jumps into a BIOS"
diag "$err"
after=$(vmtool exec web -- cat /proc/sys/kernel/random/boot_id)
ok "and is another boot" [ "$before" != "$after" ]
run vmtool stop web
like "$err" "disks synced" "it stops in order"
run vmtool start web -q
is "$rc" 0 "and starts again"
vmtool rm -f web >/dev/null 2>&1

# --- as it is, and with more modules ---

run vmtool start packed --kernel $packaged/vmlinuz --initrd /lab/initrd --plain --require vm_alive
is "$rc" 0 "the packed file itself is started too"
ok "where no init is to be had it panics, and ends" within 60 state_is packed failed
like "$(cat "$VMTOOL_HOME/vms/packed/console.log")" "*Kernel panic*$version*" "having unpacked itself in the guest"
vmtool rm -f packed >/dev/null 2>&1

run vmtool kernel add $packaged/vmlinuz --name more --modules "$packaged/modules/$version" --module dm-mod
is "$rc" 0 "a module more is taken along"
run vmtool start web -q --kernel more --initrd /lab/initrd
is "$rc" 0 "a VM boots a kernel by its name"
ok "with the module that was asked for" vmtool exec web -- grep -q '^dm_mod ' /proc/modules
run vmtool kernel rm more
is "$rc $out" "0 more" "a kernel leaves the catalogue while a VM runs that has booted it"
is "$(vmtool exec web -- echo here)" here "which does not mind"
run vmtool stop web
run vmtool start web
is "$rc" 1 "but does not start any more"
like "$err" "no 'more' in the catalogue" "and says why"
vmtool rm web >/dev/null 2>&1
is "$(processes)" "" "no process is left"
done_testing
