# size                          the stripped size, and what each part adds to it

./build.sh
awk -f build/size.awk out/release/vmtool.map | sort -t "$(printf '\t')" -k1,1nr |
	awk -F '\t' '{ printf "%9d  %s\n", $1, $2 }'
printf '%9d  %s, stripped\n' "$(stat -c %s out/vmtool)" out/vmtool
