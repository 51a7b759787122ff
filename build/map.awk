# map.awk - reads `file:#include "path"` lines; prints folders, then files.
#
# The rows are architecture.md's: an include goes down any number of rows, sideways
# only inside its own folder, never up. What breaks that is marked and counted.

BEGIN {
	row["words"] = 5	# applets/ and the files directly in src/
	row["host"] = row["vmm"] = row["guest"] = 4
	row["tree"] = 3
	row["ssh"] = row["image"] = row["proto"] = row["virtio"] = row["net"] = 2
	row["base"] = 1
	only["ssh"] = only["image"] = "host"
	only["virtio"] = "vmm"
}

# "src/vmm/bus.c" and "vmm/bus.h" -> "vmm"
function folder(path) {
	sub(/^src\//, "", path)
	sub(/\/.*/, "", path)
	return path in row ? path : "words"
}

function verdict(from, to) {
	if (from == to)
		return ""
	if (!(row[from] > row[to]))
		return row[from] == row[to] ? "sideways" : "up"
	if (to in only && from != only[to] && from != "words")
		return "not its user"
	return ""
}

{
	file = $0
	sub(/:.*/, "", file)
	target = $0
	sub(/^[^"]*"/, "", target)
	sub(/".*/, "", target)
	if (target !~ /\//)
		next			# generated: out/gen
	from = folder(file)
	to = folder(target)
	wrong = verdict(from, to)
	if (wrong != "") {
		bad[++nbad] = file " includes " target " (" wrong ")"
		target = target "!"
	}
	if (!(file in includes))
		files[++nfiles] = file
	includes[file] = includes[file] " " target
	arrows[from, to]++
}

END {
	n = split("words host vmm guest tree ssh image proto virtio net base", order, " ")
	for (i = 1; i <= n; i++) {
		line = ""
		for (j = 1; j <= n; j++)
			if (i != j && (order[i], order[j]) in arrows)
				line = line "  " order[j] "(" arrows[order[i], order[j]] ")" \
				       (verdict(order[i], order[j]) == "" ? "" : "!")
		if (line != "")
			printf "%-8s ->%s\n", order[i], line
	}
	print ""
	for (i = 1; i <= nfiles; i++)
		printf "%-28s%s\n", files[i], includes[files[i]]
	if (nbad) {
		for (i = 1; i <= nbad; i++)
			print "wrong way: " bad[i] >"/dev/stderr"
		exit 1
	}
}
