# frames: HACKING.md's table of frames is the one of src/proto/frame.h: each number, each name.
. test/lib.sh

# "0x14 STDOUT", one a line; what the header says, and what a reader is told.
in_header() { tr -d '\n' <src/proto/frame.h | grep -oE 'FRAME_[A-Z_]+ *=\s*0x[0-9a-f]{2}' | sed -E 's/FRAME_([A-Z_]+) *=\s*(0x..)/\2 \1/'; }
in_hacking() {
	local types names first last type name
	while IFS='|' read -r _ types names _; do
		if [[ $types == *to* ]]; then
			read -r first _ last <<<"$types"
			types=$(seq "$((first))" "$((last))" | xargs printf '0x%02x ')
		fi
		read -ra types <<<"${types//,/ }"
		for name in ${names//,/ }; do
			type=${types[0]-none}
			types=("${types[@]:1}")
			echo "$type $name"
		done
		for type in "${types[@]}"; do echo "$type none"; done
	done < <(grep '^| 0x' HACKING.md)
}

ok "the header has frames" test "$(in_header | wc -l)" -gt 40
is "$(in_header | cut -d' ' -f1 | sort | uniq -d)" "" "no number stands for two"
is "$(in_hacking)" "$(in_header)" "the table has each of them, and no other"
done_testing
