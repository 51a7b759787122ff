# outside.sh: what passt wants of the host it runs on, in the lab: a way out, and a root that is not the first one,
# for it shuts itself in. Whoever sources it unpacks out/guest/passt.tar where that one should find it.
tunctl -t out0 >/dev/null
ip addr add 10.0.7.5/24 dev out0
ip link set out0 up
ip route add default via 10.0.7.1 dev out0
mkdir /inside
mount --rbind / /inside

# inside COMMAND...: on such a root.
inside() { unshare -m sh -c 'cd /inside && mount --move . / && exec chroot . "$@"' sh "$@"; }
