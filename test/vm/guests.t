# guests: programs instead of a kernel try the machine, and doctor what stands between a host and all this.
# with: test/vm/host.sh test/both/guests.sh out/bare
. /lab/in/lib.sh
. /lab/in/host.sh
programs=/lab/in/bare
. /lab/in/guests.sh

# --- a card's rings, read by the vmm and by the host's kernel ---

modprobe tun
modprobe vhost_net
tunctl -t web0 >/dev/null
ip link set web0 up
for vhost in off on; do
	tells rings --nic tap=web0,vhost=$vhost --append nic=1
done
run env VMTOOL_LOG=debug vmtool vmm --kernel "$programs/rings" --plain --reboot end --nic tap=web0,vhost=on --append nic=1 </dev/null
is "$(printf '%s\n' "$err" | sed -n 's/.*eth0: its rings are served by //p' | sort -u)" "the host's kernel" \
	"vhost=on: its rings were the host's kernel's all the time"
tunctl -d web0 >/dev/null

# --- doctor: what stands between a host and all this ---

kvm_row() { vmtool doctor "$@" | sed -n '/"id": "kvm"/,/}/p'; }
like "$(kvm_row --json)" '"state": "ok"*"found": "a guest ran 100000 instructions in * us"*"remedy": null' \
	"doctor has a guest run where one can"
run su user -c 'vmtool doctor'
like "$rc/$out" "0/kvm     ok    a guest ran " "also without root, in the device's group"
run su -s /bin/sh nobody -c 'vmtool doctor'
is "$rc" 1 "outside of it none runs"
like "$out" "kvm     no    /dev/kvm: user nobody is not in group kvm*without it no VM runs*try: usermod -aG kvm nobody" \
	"and the group is named, with the command"
mv /dev/kvm /dev/kvm.away
like "$(kvm_row --json)" '"state": "no"*though the kernel has KVM: is this a container*"remedy": "mknod /dev/kvm c 10 232' \
	"a container without the device is told how to get it"
mknod /dev/kvm c 10 99
chmod 666 /dev/kvm
like "$(kvm_row --json)" '"state": "no"*no KVM module serves it*"remedy": "modprobe' "a device behind which nothing is"
rm /dev/kvm
mv /dev/kvm.away /dev/kvm
done_testing
