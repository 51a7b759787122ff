# size.awk - adds up the linker's map: "BYTES<TAB>PART" for every folder of ours
# and every library. Zeroed memory (.bss) takes no room in the file and is left out.

function hex(text,    n, i) {
	n = 0
	text = tolower(text)
	for (i = 3; i <= length(text); i++)
		n = n * 16 + index("0123456789abcdef", substr(text, i, 1)) - 1
	return n
}

# out/release/src/vmm/bus.c.o -> src/vmm; /cache/libnl-musl-KEY/lib/libnl.a(x.o) -> libnl
function part(path) {
	if (path ~ /^out\/release\//) {
		sub(/^out\/release\/(out\/gen\/)?/, "", path)
		if (!sub(/\/[^\/]*$/, "", path))
			return "applets"
		return path
	}
	sub(/\(.*/, "", path)
	if (path ~ /linux-musl/)
		return "musl"
	if (path ~ /\/gcc\//)
		return "gcc's runtime"
	sub(/.*\//, "", path)
	sub(/\.a$/, "", path)
	return path
}

/^Linker script and memory map/ { started = 1 }
!started { next }
/^\.[a-z]/ { counted = $1 !~ /^\.(t?bss|debug|comment)/ }
/^ [.*][^ ]*$/ { next }			# a long name: its numbers are on the next line
!counted { next }
/^ .* 0x[0-9a-f]+ +0x[0-9a-f]+ [^ ]+$/ {
	bytes[part($NF)] += hex($(NF - 1))
}

END {
	for (p in bytes)
		if (bytes[p] > 0)
			printf "%d\t%s\n", bytes[p], p
}
