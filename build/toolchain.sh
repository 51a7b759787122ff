# toolchain - the compilers, and what each flavour of the build asks of them.
#
#	release  musl, static-pie: what is shipped
#	asan     glibc with address and undefined-behaviour sanitizers: unit tests
#	fuzz     clang with the same and libFuzzer
#	analyse  release's words to gcc -fanalyzer: objects nobody links
#
# musl-gcc -static-pie would make a dynamic executable, so plain gcc is given our
# own specs. Kernel headers come from a folder of links, last on the search path:
# with all of /usr/include there, glibc would fill in for what musl lacks.

[[ $root$cache != *[[:space:]]* ]] ||
	die "$root, $cache: ninja and gcc's specs cannot have a blank in a path; move the checkout or set VMTOOL_CACHE"

kernel_headers=$root/out/kernel-headers

warnings="-std=c11 -D_GNU_SOURCE -Wall -Wextra -Wshadow -Wpedantic -Wformat=2 -Werror"
hardening="-fstack-protector-strong -fstack-clash-protection -ftrivial-auto-var-init=zero"
sections="-ffunction-sections -fdata-sections -fno-asynchronous-unwind-tables"
sanitize="-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer"
musl="gcc -specs=$root/vendor/musl.specs"

# KVM's structures end in arrays, and are embedded all the same; only clang minds.
kvm_idioms="-Wno-gnu-variable-sized-type-not-at-end -Wno-flexible-array-extensions"

# Guests without a kernel (test/guests/bare), which no C library helps.
bare="gcc -ffreestanding -fno-pie -fno-stack-protector -mgeneral-regs-only -mno-red-zone -fno-tree-loop-distribute-patterns -fno-asynchronous-unwind-tables -O2"
bare_link="-nostdlib -static -no-pie -Wl,-Ttext-segment=0x200000,-e,start,--build-id=none,-z,noexecstack"

declare -A flavour_cc=(
	[release]="$musl -fPIE"
	[asan]="gcc"
	[fuzz]="clang-14"
	[analyse]="$musl"
)
declare -A flavour_cflags=(
	[release]="-Os -g $hardening $sections -idirafter $kernel_headers"
	[asan]="-O1 -g $sanitize"
	[fuzz]="-O1 -g $sanitize -fsanitize=fuzzer-no-link -Wno-format-nonliteral $kvm_idioms"
	[analyse]="-O1 -fanalyzer -idirafter $kernel_headers"
)
# Room is short and most of our code runs once: only where a running guest's bytes
# and exits pass is speed worth more.
hot="^src/(base|proto|virtio|vmm)/"
declare -A flavour_ldflags=(
	[release]="-Wl,--gc-sections,-Map,out/release/vmtool.map,-z,relro,-z,now,-z,noexecstack,-z,separate-code,--build-id=none"
	[asan]="$sanitize -pthread"
	[fuzz]="$sanitize -fsanitize=fuzzer -pthread"
	[analyse]=""
)
# Libraries are built once for musl and once for glibc; warnings are upstream's.
declare -A flavour_libc=([release]=musl [asan]=glibc [fuzz]=glibc [analyse]=musl)
flavour_cc[musl]=${flavour_cc[release]}
flavour_cc[glibc]=gcc
declare -A vendor_cflags=(
	[musl]="-w -D_GNU_SOURCE ${flavour_cflags[release]} -O2"
	[glibc]="-w -D_GNU_SOURCE -O1 -g"
)

# Which compiler and C library: part of the key of everything kept in the cache.
toolchain_id=$(dpkg-query -W -f '${Package} ${Version}\n' gcc-12 musl-dev libc6-dev | xargs)

link_kernel_headers() {
	local multiarch=/usr/include/x86_64-linux-gnu dir
	mkdir -p "$kernel_headers"
	for dir in /usr/include/{linux,asm-generic,video} "$multiarch/asm"; do
		ln -sfn "$dir" "$kernel_headers/${dir##*/}"
	done
}
