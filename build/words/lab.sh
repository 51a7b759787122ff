# lab [-f FILE]... [-- CMD...]  run CMD (or a shell) in the emulated KVM host

make_ready() {
	./build.sh build && kernel-config/build.sh &&
		{ [ out/guest/initrd -nt test/guests/initrd.sh ] || test/guests/initrd.sh; }
}

# CMD's stderr is CMD's: once everything has been made, making it again is not mentioned.
if [ -f out/vmtool ] && [ -f out/kernel/vmlinux ] && [ -f out/guest/initrd ]; then
	said=$(make_ready 2>&1) || { say "$said"; exit 1; }
else
	make_ready >&2
fi
run_script test/lab/lab.sh "$@"
