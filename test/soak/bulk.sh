# bulk.sh MIB SEED - so many MiB through a command's stdin and stdout, through a raw terminal, and in
# files of cp's; every byte is compared, by sums. 1024 is the gigabyte. Exits 1 when a sum differs.
#
# A line for each part: what, how many bytes, how many seconds of this machine's, whether the sums are equal.
#
# In the lab with a VM; outside with a guest agent and vmtool on the PATH: sh test/soak/bulk.sh 64 1
mib=$1 seed=$2
failures=0
dir=$(mktemp -d)
piece=64 # MiB of one file: less than a guest's memory

in=/lab/in
[ -d $in ] || in=test/both
. $in/target.sh
trap 'target_end; rm -rf "$dir"' EXIT
there=$(vmtool exec "$target" -- mktemp -d)
x() { vmtool exec "$target" -- "$@"; }
sum() { md5sum | cut -c 1-32; }

# Any byte there is, and none where a border of ours repeats: bytes FROM TO, in MiB.
head -c 1048573 /dev/urandom >"$dir/block"
bytes() {
	i=$1
	while [ "$i" -lt "$2" ]; do
		echo "$seed $i"
		cat "$dir/block"
		i=$((i + 1))
	done
}

now() { cut -d . -f 1 /proc/uptime; }
is_same() { # WHAT BYTES GOT WANT: since the last one
	verdict=equal
	[ "$3" = "$4" ] || {
		failures=$((failures + 1))
		verdict="NOT EQUAL: $3 arrived, not $4"
	}
	echo "bulk: $1: $2 bytes, $(($(now) - since)) s, $verdict"
	since=$(now)
}

since=$(now)
want=$(bytes 0 "$mib" | sum)
size=$(bytes 0 "$mib" | wc -c)
is_same "made and summed twice, for comparison" "$size" "$want" "$want"
is_same "stdin to stdout" "$size" "$(bytes 0 "$mib" | x cat | sum)" "$want"

from=0
while [ $from -lt "$mib" ]; do
	to=$((from + piece < mib ? from + piece : mib))
	bytes $from $to >"$dir/file"
	part=$(sum <"$dir/file") part_size=$(wc -c <"$dir/file")
	since=$(now)
	vmtool cp -q "$dir/file" "$target:$there/file"
	is_same "cp, MiB $from to $to, in" "$part_size" "$(x md5sum "$there/file" | cut -c 1-32)" "$part"
	rm "$dir/file"
	vmtool cp -q "$target:$there/file" "$dir/file"
	is_same "cp, MiB $from to $to, out" "$part_size" "$(sum <"$dir/file")" "$part"
	from=$to
done
x rm -r "$there"

# The slowest part: a terminal of the kernel's has a buffer of 4 KiB, whoever reads and writes it.
# What is sent to a terminal before it is raw, it would edit.
mkfifo "$dir/in" "$dir/out"
vmtool exec -t --detach-keys none "$target" -- \
	sh -c 'stty raw -echo; echo ready; exec head -c "$1"' sh "$size" <"$dir/in" >"$dir/out" &
client=$!
exec 3>"$dir/in" 4<"$dir/out"
read -r _ <&4
bytes 0 "$mib" >&3 &
since=$(now)
is_same "a raw terminal" "$size" "$(sum <&4)" "$want"
wait $client || is_same "a raw terminal's status" 0 $? 0
exec 3>&- 4<&-
echo "bulk: $mib MiB each way, $failures failures, SEED=$seed"
[ $failures = 0 ]
