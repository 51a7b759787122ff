# emulator - QEMU, cured of the interrupt it gives a guest twice.
#
# Sourced by lab.sh. In every QEMU up to now (target/i386/tcg/sysemu/svm_helper.c, helper_vmrun) VMRUN
# delivers the interrupt of its EVENTINJ at once, but leaves its vector in cs->exception_index. If a
# timer of QEMU's is due before the guest's next exit, the main loop takes that for an exception still
# to be raised, and the guest gets the interrupt again, though RFLAGS.IF is clear: in the middle of the
# handler of the first, which then waits for ever for the lock it holds itself. It was one boot in
# some dozens. The store is not needed: do_interrupt_x86_hardirq() gets the vector as an argument.

# The bytes around the store, and six bytes of NOP for it; exactly one place, or none is touched.
emulator_cure() {
	perl -0777 -pe '
		$n = s/(\x41\x0f\xb6\xf4		# movzbl %r12b,%esi: the vector
			\x44\x89\xab..\0\0)		# mov    %r13d,error_code(%rbx)
			\x89\xb3..\xff\xff		# mov    %esi,exception_index(%rbx)
			(?=\xc7\x83..\0\0\0\0\0\0	# movl   $0,exception_is_int(%rbx)
			\x48\xc7\x83..\0\0\xff{4})	# movq   $-1,exception_next_eip(%rbx)
			/$1\x66\x0f\x1f\x44\0\0/sgx;
		END { exit($n == 1 ? 0 : 1) }' "$1"
}

# The program to run. It finds its own files relative to itself, hence the two links.
lab_emulator() {
	local qemu key work
	qemu=$(readlink -f "$(command -v qemu-system-x86_64)")
	key=$(cat "$qemu" test/lab/emulator.sh | key_of)
	[ -d "$lab_cache/qemu-$key" ] || {
		mkdir -p "$lab_cache"
		work=$(mktemp -d "$lab_cache/tmp.XXXXXX")
		mkdir "$work/bin"
		ln -s /usr/share "$work/share"
		ln -s /usr/lib "$work/lib"
		emulator_cure "$qemu" >"$work/bin/qemu-system-x86_64" || {
			say "lab: $("$qemu" --version | head -n 1) is not built as the one whose interrupt fault we can cure; guests may hang"
			cp "$qemu" "$work/bin/qemu-system-x86_64"
		}
		chmod +x "$work/bin/qemu-system-x86_64"
		mv -T "$work" "$lab_cache/qemu-$key" 2>/dev/null || rm -rf "$work"
	}
	echo "$lab_cache/qemu-$key/bin/qemu-system-x86_64"
}
