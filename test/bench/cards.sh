# cards.sh PAIRS MIB [NAME...] - runs inside the lab: network cards and the socket device, against QEMU microvm.
#
# One line a sample: "BENCH SIDE PAIR VALUE". For each card a VM of ours and one of QEMU's in turn, with the
# same kernel and the same program in it (lane), and all that is measured of the card in that one VM. QEMU has
# virtio on PCI there, as we have, which is its faster way.
set -eu
pairs=$1 mib=$2
shift 2
wanted=" $* "

busybox tar -xf /lab/in/qemu.tar -C /
busybox tar -xf /lab/in/passt.tar -C /
chmod +x /lab/in/lane
modprobe tun
modprobe vhost_net
modprobe vhost_vsock
tunctl -t web0 >/dev/null
ip addr add 10.0.9.1/24 dev web0
ip link set web0 up
. /lab/in/outside.sh

passt() {
	inside /usr/bin/passt -q --one-off --socket /tmp/passt.sock -t 5000 2>/dev/null
}

qemu() { # ADDRESS DEVICE...
	address=$1
	shift
	qemu-system-x86_64 -M microvm,pit=off,pic=off,rtc=off,isa-serial=on,pcie=on -accel kvm -cpu host -m 256 \
		-nodefaults -no-user-config -display none -no-reboot -kernel /lab/vmlinux -initrd /lab/in/initrd \
		-append "quiet panic=-1 ADDR=$address" "$@" </dev/null >/tmp/qemu.log 2>&1 &
	vm=$!
}
ours() { # ADDRESS OPTION...
	address=$1
	shift
	vmtool vmm --plain --memory 256M --kernel /lab/vmlinux --initrd /lab/in/initrd --append "quiet panic=-1 ADDR=$address" "$@" \
		</dev/null >/tmp/ours.log 2>&1 &
	vm=$!
}

# Of CARD: what of it is measured, in that order; and how each side has it.
begin() { # SIDE CARD
	case $1-$2 in
	vmtool-tap) ours 10.0.9.2 --nic tap=web0,vhost=off ;;
	qemu-tap) qemu 10.0.9.2 -netdev tap,id=n,ifname=web0,script=no,downscript=no,vhost=off -device virtio-net-pci,romfile=,netdev=n ;;
	vmtool-vhost) ours 10.0.9.2 --nic tap=web0,vhost=on ;;
	qemu-vhost) qemu 10.0.9.2 -netdev tap,id=n,ifname=web0,script=no,downscript=no,vhost=on -device virtio-net-pci,romfile=,netdev=n ;;
	vmtool-passt) passt; ours 10.0.7.5 --nic passt=/tmp/passt.sock,mac=02:00:00:00:00:07 ;;
	qemu-passt)
		passt
		qemu 10.0.7.5 -netdev stream,id=n,server=off,addr.type=unix,addr.path=/tmp/passt.sock \
			-device virtio-net-pci,romfile=,netdev=n,mac=02:00:00:00:00:07,host_mtu=65520
		;;
	vmtool-vsock) ours none --vsock /tmp/v.sock ;;
	qemu-vsock) qemu none -device vhost-vsock-pci,guest-cid=5 ;;
	esac
	case $1-$2 in
	*-passt) where=tcp:10.0.7.5 ;;
	vmtool-vsock) where=unix:/tmp/v.sock ;;
	qemu-vsock) where=vsock:5 ;;
	*) where=tcp:10.0.9.2 ;;
	esac
}

measure() { # SIDE CARD PAIR
	begin "$1" "$2"
	for what in "throughput take $((mib * 1024))" "input_throughput give $((mib * 1024))" "roundtrip trips 2000"; do
		# shellcheck disable=SC2086 # three words
		set -- "$1" "$2" "$3" $what
		value=$(/lab/in/lane $where "$5" "$6") || { tail -5 /tmp/qemu.log /tmp/ours.log >&2; exit 1; }
		[ "$3" -eq 0 ] || echo "$2_$4 $1 $3 $value"
	done
	kill $vm
	wait $vm || true
}

for card in tap vhost passt vsock; do
	case $wanted in *" ${card}_"*) ;; *) continue ;; esac
	pair=0
	while [ "$pair" -le "$pairs" ]; do
		if [ $((pair % 2)) = 0 ]; then measure vmtool $card $pair; measure qemu $card $pair
		else measure qemu $card $pair; measure vmtool $card $pair; fi
		pair=$((pair + 1))
	done
done
