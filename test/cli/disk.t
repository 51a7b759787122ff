# disk: what a VM wrote over a disk is committed or discarded, and never put over another.
. test/lib.sh
export VMTOOL_HOME=$tap_dir/home PATH=$PWD/out:$PATH
folder=$VMTOOL_HOME/vms/web
overlay=$folder/vda.overlay
base=$tap_dir/base.img

le() {	# N: eight bytes, the lowest first
	local n=$1 i
	for i in 1 2 3 4 5 6 7 8; do
		printf "\\x$(printf %02x $((n & 255)))"
		n=$((n >> 8))
	done
}
mtime_ns() { stat -c %.9Y "$1" | tr -d .; }
# An overlay as a VM leaves it, which has the third block of eight and the fifth: all of 'n'.
make_overlay() {	# STATE
	{
		printf vmtoolO1
		le "$1"; le 32768; le "$(stat -c %i "$base")"; le "$(mtime_ns "$base")"
	} >"$overlay"
	truncate -s $((8192 + 32768)) "$overlay"
	printf '\x14' | dd of="$overlay" bs=1 seek=4096 conv=notrunc 2>/dev/null
	block=$(printf 'n%.0s' $(seq 4096))
	printf %s "$block" | dd of="$overlay" bs=4096 seek=4 conv=notrunc 2>/dev/null
	printf %s "$block" | dd of="$overlay" bs=4096 seek=6 conv=notrunc 2>/dev/null
}
make_base() { printf 'o%.0s' $(seq 32768) >"$base"; }
runs() { tr -s "$(printf 'no')" <"$base"; }	# each run of a letter as one

make_base
printf '%4096s' x >"$tap_dir/plain.img"
echo kernel >"$tap_dir/kernel"
run vmtool create web --kernel "$tap_dir/kernel" --disk "$base,overlay,aio=threads" --disk "$tap_dir/plain.img,ro"
like "$rc $err" "0 *" "a VM has a disk with an overlay"
like "$(vmtool show --config web)" "*$base,overlay,aio=threads*" "and it is written so"
run vmtool disk ls web
like "$out" "*vda *0 KiB *$base*vdb *- *plain.img (ro)*" "ls has both disks; nothing is written yet"
run vmtool disk commit web vda
is "$rc $out" "0 0 KiB" "there is nothing to commit"
run vmtool disk discard web vda
is "$rc" 0 "nor to discard"

# --- commit ---

make_overlay 1
like "$(vmtool disk ls web)" "*vda *KiB *" "ls tells what an overlay takes"
run vmtool disk commit web vda
is "$rc $out" "0 8 KiB" "a commit says what it wrote"
is "$(runs) $(stat -c %s "$base")" "onono 32768" "the blocks of the overlay are the base's, no others"
ok "and the overlay is gone" test ! -e "$overlay"

make_base
make_overlay 2
printf 'half a block' | dd of="$base" bs=4096 seek=2 conv=notrunc 2>/dev/null
run vmtool disk discard web vda
like "$rc $err" "1 *cut short*try: vmtool disk commit web vda*" "what was half committed is not discarded"
run vmtool disk commit web vda
is "$rc $(runs)" "0 onono" "but committed to the end"

# --- what does not fit ---

make_base
make_overlay 1
touch -d '2001-01-01' "$base"
run vmtool disk commit web vda
like "$rc $err" "1 *changed or replaced*try:*discard web vda*" "nothing is committed to a base that was changed"
is "$(runs) $(head -c 9 "$overlay" | od -An -tx1 | cut -c 26-)" "o 01" "neither is touched"
mv "$base" "$base.old"
make_base
run vmtool disk commit web vda
is "$rc $(runs)" "1 o" "nor to another in its place"
run vmtool disk discard web vda
is "$rc $(ls "$folder" | grep overlay)" "0 " "discard forgets it"
make_overlay 1
truncate -s 20000 "$overlay"
run vmtool disk commit web vda
like "$rc $err" "1 *is cut*" "one that was cut is not committed"
run vmtool disk discard web vda
is "$rc" 0 "only discarded"

# --- who may ---

make_overlay 1
exec 7<>"$base"
perl -e 'open my $f, "+<&=", 7; my $l = pack("s s x4 q q l x4", 0, 0, 0, 0, 0); fcntl($f, 37, $l) or die "$!"'
run vmtool disk commit web vda
like "$rc $err" "1 *in use by another program*" "nothing is committed while others read the base"
exec 7>&-
run vmtool disk commit web vdb
like "$rc $err" "1 *vdb has no overlay*" "a disk without one has none to commit"
run vmtool disk commit web vdc
like "$rc $err" "1 *has no disk vdc*" "nor has one that is not there"
run vmtool disk commit web
is "$rc" 2 "which disk is to be said"
run vmtool disk merge web vda
is "$rc" 2 "and a verb that there is"
run vmtool create two --kernel "$tap_dir/kernel" --disk "$base,ro,overlay"
like "$rc $err" "2 *'ro' and 'overlay'*" "a disk is not both read-only and written over"
run vmtool rm web
ok "with the VM its overlay goes" test ! -e "$overlay"
done_testing
