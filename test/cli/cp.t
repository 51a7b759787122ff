# cp: what arrives is what was sent, under the name cp would give it; all without a VM.
. test/lib.sh
export LC_ALL=C

vmtool=$PWD/out/vmtool
cd "$tap_dir" || exit 1
chmod 755 . # nobody, the user, must come this far
"$vmtool" guest-agent --listen "unix:$tap_dir/sock" 2>agent.log &
agent=$!
trap 'kill "$agent" 2>/dev/null; umount "$tap_dir/small" 2>/dev/null; rm -rf "$tap_dir"' EXIT
g=unix:$tap_dir/sock

within 5 test -S sock

cp_() { run timeout 60 "$vmtool" cp "$@"; }

# fresh: guest/ and host/, each with a file and a folder of the other side's to copy.
fresh() {
	chmod -R u+rwx guest host 2>/dev/null
	rm -rf guest host
	mkdir -p guest/dir host/dir
	for side in guest host; do
		echo "$side file" >$side/file
		echo "$side inner" >$side/dir/inner
	done
}

# All there is about a tree, a line each: type, mode, owner, time to the nanosecond, contents.
tree() {
	(
		cd "$1" || exit 1
		find . -printf '%y|%m|%U|%G|%T@|%l|%P\0' | sort -z | tr '\0' '\n'
		find . -type f -print0 | sort -z | xargs -0r md5sum
	)
}

# --- cp's table, both ways ---

# row WAY SRC DST WANT NAME: "in" copies host/SRC to the guest's folder, "out" the other way.
# WANT is a file's path below the other side's folder and the text it must have, or "no SENTENCE".
row() {
	local way=$1 src=$2 dst=$3 want=$4 text=$5 name="$1: $6" from to
	fresh
	case $way in
	in) from=host to=guest; cp_ "host/$src" "$g:$tap_dir/guest/$dst" ;;
	out) from=guest to=host; cp_ "$g:$tap_dir/guest/$src" "host/$dst" ;;
	esac
	if [ "$want" = no ]; then
		is "$rc" 1 "$name"
		like "$err" "$text" "and says so"
		is "$(cat $to/file $to/dir/inner; ls $to)" "$to file
$to inner
dir
file" "and changes nothing"
	else
		is "$rc:$(cat "$to/$want" 2>&1)" "0:$from $text" "$name"
	fi
}
for way in in out; do
	row $way file new new file "a file to a new name"
	row $way file new/ no "no such folder" "a file to a new name with a slash"
	row $way file no/such no "No such file or directory" "a file into a folder that is not there"
	row $way file file file file "a file over a file"
	row $way file dir dir/file file "a file into a folder"
	row $way file dir/ dir/file file "a file into a folder with a slash"
	row $way file file/ no "Not a directory" "a file over a file with a slash"
	row $way file/ new no "Not a directory" "a file that is said to be a folder"
	row $way dir new new/inner inner "a folder to a new name"
	row $way dir new/ new/inner inner "a folder to a new name with a slash"
	row $way dir file no "is there, and is not a folder" "a folder over a file"
	row $way dir . dir/inner inner "a folder into a folder that has its name"
	row $way dir dir dir/dir/inner inner "a folder into a folder"
	row $way dir/ dir dir/dir/inner inner "a slash behind the source changes nothing"
	row $way dir/. dir dir/inner inner "what is in a folder into a folder"
	row $way dir/. new new/inner inner "what is in a folder to a new name"
	row $way dir/. file no "is there, and is not a folder" "what is in a folder over a file"
	row $way nothing new no "nothing: No such file or directory" "what is not there"
done
fresh
cp_ host/file host/dir "$g:$tap_dir/guest/new"
is "$rc" 1 "several need a folder that is there"
like "$err" "no such folder" "and it says so"
cp_ host/file host/dir host/nothing "$g:$tap_dir/guest/dir"
is "$rc:$(cat guest/dir/file guest/dir/dir/inner)" "1:host file
host inner" "several go into it; what is not there is told and the rest copied"
cp_ "$g:$tap_dir/guest/file" "$g:$tap_dir/guest/dir/dir" host/dir
is "$rc:$(cat host/dir/file host/dir/dir/inner)" "0:guest file
host inner" "several come out of it"

# --- names ---

cp_ host/file host/dir
is "$rc" 2 "no guest on either side"
cp_ "$g:/a" "$g:/b"
is "$rc" 2 "a guest on both sides"
like "$err" "vmtool cp - $g:/b" "and the way to do it"
cp_ host/file Bad_Name:/x
is "$rc" 2 "what is no VM's name"
like "$err" "a host's file is ./Bad_Name:/x" "and how a file with a colon is written"
fresh
echo colon >a:b
cp_ ./a:b "$g:$tap_dir/guest/colon"
is "$rc:$(cat guest/colon)" "0:colon" "a file with a colon"
cp_ host/file unix:/nowhere
is "$rc" 2 "a socket without a path"
cp_ host/file "unix:$tap_dir/nobody:/x"
is "$rc" 1 "a socket where nobody is"
cp_ host/file
is "$rc" 2 "no destination"
cp_ -u nobody-such host/file "$g:/x"
is "$rc" 1 "a user that is not there"
like "$err" "nobody-such: no such user" "and his name"
cp_ -u $'\e[31m' host/file "$g:/x"
like "$err" 'x1b?31m: no such user' "which cannot drive the terminal"

# --- what a tree has ---

odd() {
	mkdir -p odd/empty odd/closed "odd/$(printf 'l%.0s' $(seq 255))"
	(
		cd odd || exit 1
		: >nothing
		echo 1 >'two words'; echo 2 >'new
line'; echo 3 >-dash; printf 4 >$'\xff\xfe'; echo 5 >'*'; echo 6 >"$(printf 'n%.0s' $(seq 255))"
		ln 'two words' 'two names'
		ln -s /no/such dangling; ln -s . loop; ln -s 'two words' relative; ln -s /etc/passwd absolute
		mkfifo fifo
		for mode in 0644 0000 0400 0777 1777 4755 2755 6711; do
			echo $mode >mode$mode
			chmod $mode mode$mode
		done
		chmod 0500 closed
		chown 12:34 mode0644 dangling 2>/dev/null
		touch -h -d '1999-12-31 23:59:59.987654321' dangling 'two words' empty .
		touch -d '1960-01-01 00:00:00.5' nothing
	)
}
odd
if [ "$(id -u)" = 0 ]; then
	cp_ -a odd "$g:$tap_dir/there"
	is "$rc:$err" "0:" "every kind of file goes in"
	is "$(tree there)" "$(tree odd)" "as it was"
	is "$(stat -c %i 'there/two names')" "$(stat -c %i 'there/two words')" "two names stay one file"
	cp_ -a "$g:$tap_dir/there" back
	is "$rc:$(tree back)" "0:$(tree odd)" "and comes out as it was"
	mknod device c 1 3
	cp_ device "$g:$tap_dir/device2"
	is "$rc" 1 "a device is not made unasked"
	like "$err" "only --archive copies" "and it says so"
	cp_ -a device "$g:$tap_dir/device2"
	is "$rc:$(stat -c %t,%T device2)" "0:1,3" "but with --archive it is"
	cp_ odd/mode6711 "$g:$tap_dir/tool"
	is "$rc:$(stat -c %a tool)" "0:711" "setuid does not come without its owner"
	mkdir open && chmod 777 open
	cp_ -a -u nobody odd/mode0644 "$g:$tap_dir/open/f"
	is "$rc:$(stat -c %U open/f)" "0:nobody" "a user's copy is that user's"
	cp_ -u nobody "$g:$tap_dir/odd/mode0000" host/x
	is "$rc" 1 "and reads only what he may"
	like "$err" "$g:$tap_dir/odd/mode0000: Permission denied" "and it says so"
	cp_ -u nobody "$g:$tap_dir/odd" host/odd
	is "$rc:$(cat host/odd/-dash)" "1:3" "the rest is copied"
	is "$(wc -l <<<"$err")" 4 "each that is not is told, once"
	cp_ -u nobody odd/-dash "$g:$tap_dir/f"
	is "$rc" 1 "and writes only where he may"
else
	skip "only root keeps owners" "every kind of file"
fi
cp_ -L odd/relative "$g:$tap_dir/followed"
is "$rc:$(stat -c %F followed)" "0:regular file" "--follow-link copies what a link leads to"
fresh
ln -s "$tap_dir/guest/file" guest/link
ln -s /no/such guest/dangling
mkfifo guest/fifo
cp_ host/file "$g:$tap_dir/guest/link"
is "$rc:$(cat guest/file):$(stat -c %F guest/link)" "0:host file:symbolic link" "a link that is the destination leads to it"
cp_ host/file "$g:$tap_dir/guest/dangling"
is "$rc" 1 "unless it leads nowhere"
cp_ host/file "$g:$tap_dir/guest/fifo"
is "$rc" 1 "what is neither file nor folder is not written to"
like "$err" "neither a file nor a folder" "and it says so"
ln -s "$tap_dir/guest" host/outside
mkdir -p lie/outside && echo evil >lie/outside/file && echo after >lie/z
mv host lie2 && mkdir host && mv lie2 host/lie
cp_ lie "$g:$tap_dir/host"
is "$rc:$(cat guest/file host/lie/z)" "1:host file
after" "a link in the way is not followed; what is behind it in the tree is copied"

truncate -s 1T sparse
for at in 0 300 1023; do printf island | dd of=sparse bs=1 seek=${at}G conv=notrunc status=none; done
cp_ sparse "$g:$tap_dir/sparse2"
is "$rc:$(stat -c %s sparse2)" "0:1099511627776" "a file of 1 TiB, nearly all hole"
ok "takes no more room than it did" [ "$(du -k sparse2 | cut -f1)" -le "$(du -k sparse | cut -f1)" ]
is "$(dd if=sparse2 bs=1 skip=300G count=6 status=none)" island "and has its islands"
rm -f sparse sparse2

name=$(printf 'd%.0s' $(seq 9))
deep=$(for i in $(seq 300); do printf '%s/' "$name"; done)
mkdir -p "deep/$deep" && echo leaf >"deep/${deep}leaf"
cp_ deep "$g:$tap_dir/deep2"
is "$rc:$(cat "deep2/${deep}leaf")" "0:leaf" "300 folders in one another"
mkdir many
for i in $(seq 10000); do echo "$i"; done | (cd many && split -l 1 -a 4 -)
cp_ many "$g:$tap_dir/many2"
is "$rc:$(cat many2/* | md5sum)" "0:$(cat many/* | md5sum)" "10000 small files in"
cp_ "$g:$tap_dir/many2" many3
is "$rc:$(cat many3/* | md5sum)" "0:$(cat many/* | md5sum)" "and out"
head -c 64M /dev/urandom >big
cp_ big "$g:$tap_dir/big2"
cp_ --sync "$g:$tap_dir/big2" big3
is "$rc:$(md5sum <big3)" "0:$(md5sum <big)" "64 MiB in and out, byte by byte"
cp_ "$g:/proc/self/status" status
like "$(cat status)" "Name:" "a file that does not say its size"

# --- archives ---

rm -f odd/fifo odd/nothing
(cd odd && find . -type f -print0 | xargs -0 chmod u+r)
"$vmtool" cp "$g:$tap_dir/odd" - >odd.tar 2>err
is "$?:$(cat err)" "0:" "an archive on standard output"
mkdir gnu bb mine
tar x -p -C gnu --same-owner -f odd.tar
is "$(tree gnu/odd)" "$(tree odd)" "GNU tar reads it as it was"
busybox tar x -p -C bb -f odd.tar
is "$(cd bb/odd && find . -print0 | sort -z | md5sum)" "$(cd odd && find . -print0 | sort -z | md5sum)" \
	"busybox's has every name"
is "$(cat bb/odd/* 2>/dev/null | md5sum)" "$(cat odd/* 2>/dev/null | md5sum)" "and all contents"
for format in ustar pax gnu; do
	rm -rf mine gnu
	mkdir mine gnu
	# ustar has no room for a name of 255 bytes.
	[ $format = ustar ] && rm -rf odd/nnn* odd/lll*
	tar c --format=$format odd | "$vmtool" cp -a - "$g:$tap_dir/mine" 2>err
	is "$?:$(cat err)" "0:" "a $format archive on standard input"
	tar c --format=$format odd | tar x -p --same-owner -C gnu
	is "$(tree mine/odd)" "$(tree gnu/odd)" "becomes what GNU tar makes of it"
done
tar cz odd | "$vmtool" cp - "$g:$tap_dir/mine" 2>err
is "$?" 1 "a compressed archive"
like "$(cat err)" "is it a tar archive, and not compressed?" "and it says so"
tar c odd | head -c 5000 | "$vmtool" cp - "$g:$tap_dir/mine" 2>err
is "$?" 1 "an archive that is cut off"
tar c odd | "$vmtool" cp - "$g:$tap_dir/nowhere" 2>err
is "$?" 1 "a folder that is not there"
"$vmtool" cp "$g:$tap_dir/odd/." - | tar t | head -n 1 >first
is "$(cat first)" "./" "what is in a folder, as an archive"

fresh
mkdir a in
ln -s "$tap_dir/guest" a/x
tar cf evil.tar a/x
rm a/x && mkdir a/x && echo evil >a/x/file
tar rf evil.tar a/x/file
echo fine >a/z && tar rf evil.tar a/z
"$vmtool" cp - "$g:$tap_dir/in" <evil.tar 2>err
is "$?:$(cat guest/file in/a/z)" "1:guest file
fine" "an archive does not write through its own link"
(cd in && tar cPf ../evil2.tar ../guest/file "$tap_dir/guest/dir/inner")
echo changed | tee guest/file >guest/dir/inner
"$vmtool" cp - "$g:$tap_dir/in" <evil2.tar 2>err
is "$?:$(cat guest/file guest/dir/inner | uniq)" "1:changed" "nor to .., nor to a path from the root"
is "$(cat "in$tap_dir/guest/dir/inner")" "guest inner" "which begins in its folder instead"
like "$(cat err)" "../guest/file: has .." "and it says so"

# --- disks ---

if mkdir small && mount -t tmpfs -o size=1m none small 2>/dev/null; then
	echo old >small/big
	cp_ big "$g:$tap_dir/small"
	is "$rc:$(cat small/big)" "1:old" "a full disk: the old file stays"
	like "$err" "$tap_dir/small/big: No space left on device" "and it says so"
	is "$(ls -A small)" "big" "and nothing else does"
	cp_ "$g:$tap_dir/big" small
	is "$rc:$(cat small/big):$(ls -A small)" "1:old:big" "on the host's side too"
	mount -o remount,ro small
	cp_ odd "$g:$tap_dir/small"
	is "$rc" 1 "a disk that cannot be written"
	like "$err" "Read-only file system" "and it says so"
	umount small
else
	skip "only root mounts" "a full disk"
fi

# --- ends ---

# A name leads to the old bytes or to the new ones, and nothing but that name is there. Killed
# between naming a whole file and renaming it, a whole file under its first name stays, for the next copy
# to remove.
intact() {	# DIR
	local sum
	sum=$(md5sum <"$1/f")
	[ "$sum" = "$old" ] || [ "$sum" = "$new" ] || return 1
	find "$1" -mindepth 1 ! -name f ! -name '.vmtool-*'
	find "$1" -name '.vmtool-*' -exec cmp {} big \;
}
nobody_copies() { [ -z "$(children "$agent")" ]; }

head -c 1M /dev/urandom >before
old=$(md5sum <before) new=$(md5sum <big)
bad=0 seed=$RANDOM
RANDOM=$seed
for i in $(seq 24); do
	rm -rf ends
	mkdir ends
	cp before ends/f
	case $((i % 2)) in
	0) "$vmtool" cp big "$g:$tap_dir/ends/f" 2>/dev/null & ;;
	1) "$vmtool" cp "$g:$tap_dir/big" ends/f 2>/dev/null & ;;
	esac
	copy=$!
	sleep 0.0$((RANDOM % 90 + 10))
	# In a subshell with no word: what ended already is no news.
	case $((i / 2 % 2)) in
	0) kill -KILL $copy ;;
	1) children "$agent" | xargs -r kill -KILL ;;
	esac 2>/dev/null
	wait $copy 2>/dev/null
	within 5 nobody_copies || bad=$((bad + 1))
	[ -z "$(intact ends)" ] || bad=$((bad + 1))
	"$vmtool" cp -q big "$g:$tap_dir/ends/f" && [ "$(ls -A ends)" = f ] || bad=$((bad + 1))
done
is "$bad" 0 "24 copies killed at either end leave the old file or the new one (seed $seed)"
for i in $(seq 20); do
	mkfifo "hold$i"
	"$vmtool" cp - "$g:$tap_dir/in" <"hold$i" 2>"err$i" &
done
exec 7>hold1
sixteen() { [ "$(children "$agent" | wc -l)" = 16 ] && [ "$(cat err* | grep -c 'as many file copies')" = 4 ]; }
for i in $(seq 20); do eval "exec {fd$i}>hold$i"; done
ok "16 copies at once, and 4 are refused" within 10 sixteen
for i in $(seq 20); do eval "exec {fd$i}>&-"; done
exec 7>&-
ok "which end when their hosts do" within 10 nobody_copies
kill -TERM "$agent"

done_testing
