# fs: what is told of a guest's files is what is there, and what is removed is what was meant; without a VM.
. test/lib.sh
export LC_ALL=C

vmtool=$PWD/out/vmtool
cd "$tap_dir" || exit 1
chmod 755 . # nobody, the user, must come this far
"$vmtool" guest-agent --listen "unix:$tap_dir/sock" 2>agent.log &
agent=$!
trap 'kill "$agent" 2>/dev/null; umount "$tap_dir/mine/mnt" 2>/dev/null; rm -rf "$tap_dir"' EXIT
w=unix:$tap_dir/sock
g=$w:$tap_dir

within 5 test -S sock

fs() { run timeout 60 "$vmtool" fs "$@"; }
no() { # NAME SENTENCE OPERAND...: exit code 1, that sentence, and nothing on standard output
	local name=$1 want=$2
	shift 2
	fs "$@"
	is "$rc/$out" "1/" "$name"
	like "$err" "$want" "and it says so"
}
usage() { # NAME SENTENCE OPERAND...
	local name=$1 want=$2
	shift 2
	fs "$@"
	is "$rc/$out" "2/" "$name: exit code 2"
	like "$err" "$want" "and it says so"
}

# --- stat ---

echo hello >file
ln -s file link
chmod 4711 file
touch -d '1999-12-31 23:59:59.987654321Z' file
touch -h -d '1960-01-01 00:00:00.5Z' link
fs stat --json "$g/file"
is "$rc/$err" "0/" "stat"
is "$(tr -d '\n' <<<"$out" | sed -E 's/"(accessed|changed)": "[^"]*"/"\1": T/g')" \
	"{ \"path\": \"$tap_dir/file\", \"path_base64\": null, \"type\": \"file\", \"mode\": \"4711\", \"uid\": $(id -u), \"gid\": $(id -g), \"owner\": \"$(id -un)\", \"group\": \"$(id -gn)\", \"size_bytes\": 6, \"allocated_bytes\": $(($(stat -c '%b*%B' file))), \"inode\": $(stat -c %i file), \"links\": 1, \"device\": null, \"accessed\": T, \"modified\": \"1999-12-31T23:59:59.987654321Z\", \"changed\": T, \"target\": null, \"target_base64\": null}" \
	"has every key, and what stat(1) has"
fs stat "$g/link"
like "$out" "target    file*type      symlink*modified  1960-01-01T00:00:00.500000000Z" "a link is itself"
fs stat -L "$g/link"
like "$out" "type      file*mode      4711 -rws--x--x" "with -L it is what it leads to"
fs stat --json "$g/file" "$g/nothing" "$w:/dev/null"
is "$rc/$(grep -o '"device": "[^"]*"' <<<"$out")" '1/"device": "1:3"' "one that is not there does not hide the others"
is "$err" "vmtool fs: $g/nothing: No such file or directory (ENOENT)" "and is told, with its errno"
no "a link that leads nowhere, with -L" "(ENOENT)" stat -L "$g/../none"
no "a loop of links" "(ELOOP)" stat -L "$g/$(ln -s round round; echo round)"
no "a file as a folder" "(ENOTDIR)" stat "$g/file/x"
no "a path no system call takes" "(ENAMETOOLONG)" stat "$g/$(printf 'x%.0s' $(seq 4100))"
no "a user that is not there" "no-such-user: no such user" stat -u no-such-user "$g/file"
no "a user whose name would drive the terminal" 'x1b?31m: no such user' stat -u $'\e[31m' "$g/file"
no "a socket where nobody is" "no running VM behind" stat "unix:$tap_dir/nobody:/x"

# --- ls ---

mkdir -p names/folder/inner/inmost
printf 1 >names/"two words"
printf 2 >names/$'new\nline'
printf 3 >names/$'\xff\xfe'
printf 4 >names/-dash
printf 5 >names/folder/$'\e[31m'
ln -s $'\xffgone' names/dangling
fs ls "$g/names"
is "$rc/$(sort <<<"$out")" "0/$(ls -A names | sort)" "ls has each name"
"$vmtool" fs ls -r -0 "$g/names" | sort -z >got
(cd names && find . -mindepth 1 -printf '%P\0') | sort -z >want
ok "with -r and -0 every name below is whole, whatever its bytes" cmp got want
fs ls -l "$g/names"
like "$(sort <<<"$out")" "*-rw-r--r-- $(id -un)*drwxr-xr-x*lrwxrwxrwx*dangling -> *gone" "with -l there is more of each"
fs ls -r --json "$g/names"
is "$(grep -c '"type"' <<<"$out")" 9 "as JSON there are as many"
like "$out" "*\"path\": null, \"path_base64\": \"$(printf '%s/names/\xff\xfe' "$tap_dir" | base64 -w 0)\"*" "a name that is not UTF-8 is null, and its bytes are there"
like "$out" "*\"target\": null, \"target_base64\": \"$(printf '\xffgone' | base64)\"*" "so is what a link leads to"
fs ls --json "$g/names/folder/inner/inmost"
is "$rc/$out" "0/[]" "an empty folder is an empty array"
fs ls "$g/names/folder/inner" "$g/names/none" "$g/names/folder"
is "$rc/$(head -n 1 <<<"$out")" "1/$tap_dir/names/folder/inner/inmost" "of several folders each name says where"
no "a file is no folder" "(ENOTDIR)" ls "$g/file"
if [ "$(id -u)" = 0 ]; then
	chmod 700 names/folder
	fs ls -r -u nobody "$g/names"
	is "$rc/$(grep -c . <<<"$out")" "1/7" "what a user may not read is left out"
	is "$err" "vmtool fs: $g/names/folder: Permission denied (EACCES)" "and told, with its errno"
	no "and he makes nothing where he may not" "(EACCES)" mkdir -u nobody "$g/names/x"
	no "nor moves" "(EACCES)" mv -u nobody "$g/file" "$g/names"
	no "nor removes" "(EACCES)" rm -u nobody "$g/file"
else
	skip "only root becomes somebody else" "users' rights"
fi

mkdir many
(cd many && seq 20000 | xargs touch)
fs ls "$g/many"
is "$rc/$(sort -n <<<"$out" | md5sum)" "0/$(seq 20000 | md5sum)" "20000 files, each once"

# --- mkdir ---

fs mkdir "$g/made"
is "$rc/$(stat -c %a made)" "0/755" "mkdir"
fs mkdir -m 1700 "$g/made/mine"
is "$rc/$(stat -c %a made/mine)" "0/1700" "with the permissions asked for"
no "one that is there" "(EEXIST)" mkdir "$g/made"
no "where nothing is" "(ENOENT)" mkdir "$g/no/such"
fs mkdir -p -m 700 "$g/a/b//c/" "$g/a" "$g/made"
is "$rc/$(stat -c %a a a/b a/b/c | xargs)" "0/755 755 700" "-p makes what is missing above"
no "-p where a file is in the way" "(ENOTDIR)" mkdir -p "$g/file/x/y"
no "-p where a file is" "(EEXIST)" mkdir -p "$g/file"
usage "no permissions" "'9' is not octal" mkdir -m 9 "$g/x"

# --- mv ---

both() { (cd "$tap_dir" && echo one >one && echo two >two && rm -rf dir && mkdir -p dir/sub); }
both
fs mv "$g/one" "$g/three"
is "$rc/$(cat three; ls one 2>&1)" "0/one
ls: cannot access 'one': No such file or directory" "mv gives another name"
fs mv "$g/three" "$g/two"
is "$rc/$(cat two)" "0/one" "also one that something had"
both
no "-n replaces nothing" "to $tap_dir/two: File exists (EEXIST)" mv -n "$g/one" "$g/two"
is "$(cat one two | xargs)" "one two" "and both are as they were"
fs mv "$g/one" "$g/two" "$g/dir"
is "$rc/$(ls dir | xargs)" "0/one sub two" "into a folder"
no "-T: a folder is not what it is to be called" "(EISDIR)" mv -T "$g/dir/one" "$g/dir/sub"
no "several need a folder" "(ENOTDIR)" mv "$g/dir/one" "$g/dir/two" "$g/file"
no "that is there" "(ENOENT)" mv "$g/dir/one" "$g/dir/two" "$g/none"
no "a folder into itself" "(EINVAL)" mv "$g/dir" "$g/dir/sub"
no "what is not there" "(ENOENT)" mv "$g/none" "$g/x"
no "the root" "(EBUSY)" mv "$w:/" "$g/x"
no "another file system" "another file system (cp copies): Cross-device link (EXDEV)" mv "$g/file" "$w:/proc"
usage "one path" "DST is missing" mv "$g/file"
usage "two guests" "is not in unix:other" mv "$g/file" unix:other:/x
is "$(cat file)" hello "and nothing of all that moved it"

# --- rm ---

mkdir -p gone/full empty outside
echo kept >outside/kept
ln -s "$tap_dir/outside" gone/link
touch gone/full/f
chmod 500 gone/full
fs rm "$g/empty" "$g/dir/one"
is "$rc/$(ls -d empty dir/one 2>&1 | grep -c 'No such')" "0/2" "rm takes files and empty folders"
no "no folder with something in it" "(-r removes all of it): Directory not empty (ENOTEMPTY)" rm "$g/gone"
no "no folder behind a link" "(ENOTDIR)" rm -r "$g/gone/link/"
no "not the root" "(EBUSY)" rm -r "$w:/"
no "under no name of it" "(EBUSY)" rm -r "$w:/etc/.."
no "nor where it is" "(EBUSY)" rm -r "$g/gone/."
no "what is not there" "(ENOENT)" rm -r "$g/none"
fs rm -f "$g/none"
is "$rc/$err" "0/" "which with -f is fine"
fs rm -r "$g/gone"
is "$rc/$err/$(ls -d gone 2>&1)/$(cat outside/kept)" "0//ls: cannot access 'gone': No such file or directory/kept" "-r takes all of it, and nothing behind a link"
# No path leads there: each chain of folders is moved to the end of the next.
chain=$(for i in $(seq 300); do printf 'd%03d/' "$i"; done)
mkdir deep
for i in 1 2 3 4 5; do
	mkdir -p "next/$chain"
	mv deep "next/$chain"
	mv next deep
done
fs ls -r "$g/deep"
is "$rc/$(wc -l <<<"$out")/$(tail -n 1 <<<"$out" | tr -cd / | wc -c)" "0/1505/1504" "1505 folders in one another"
fs rm -r "$g/deep" "$g/many"
is "$rc/$err/$(ls -d deep many 2>&1 | grep -c 'No such')" "0//2" "go as well, and so do 20000 files"
mkdir -p mine/mnt mine/other && echo kept >outside/kept
if mount --bind outside mine/mnt 2>/dev/null; then
	touch mine/other/f
	fs rm -r "$g/mine"
	is "$rc/$err" "1/vmtool fs: $g/mine/mnt: is the root, or something is mounted there: Resource busy (EBUSY)" "what is mounted is not gone into"
	is "$(ls mine)/$(cat outside/kept)" "mnt/kept" "and all the rest is gone"
	umount mine/mnt
else
	skip "only root mounts" "what is mounted"
fi

# --- words ---

usage "a path of the host" "'/etc' is no guest's: write NAME:PATH" ls /etc
usage "another verb's option" "rm has no --parents" rm -p "$g/x"
usage "no such verb" "'lss' is not stat, ls, mkdir, mv or rm: did you mean 'ls'?" lss "$g/x"
usage "no verb" "stat, ls, mkdir, mv or rm is missing" -l
usage "no path" "NAME:PATH is missing" stat
usage "what is no VM's name" "is no VM's name" stat Bad_Name:/x

# Nothing but the agent is left.
nobody_is_left() { [ -z "$(children "$agent")" ]; }
ok "no process is left of it" within 5 nobody_is_left
kill -TERM "$agent"
done_testing
