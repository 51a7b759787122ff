# cp over vsock: a folder goes into a VM and comes out as it was, and not while the VM powers off.
# with: test/vm/host.sh
. /lab/in/lib.sh
. /lab/in/host.sh

run start web
is "$rc" 0 "a VM starts"

mkdir -p /tmp/tree/dir/empty
cd /tmp || exit 1
head -c 20000000 /dev/urandom >tree/big
for i in $(seq 300); do echo "$i" >"tree/dir/$i"; done
ln -s /no/such tree/dangling
ln tree/big tree/again
chmod 0751 tree/dir
chmod 4711 tree/dir/1
touch -d '2001-02-03 04:05:06' tree/dir/2 tree/dir
list() { (cd "$1" && find . | sort | xargs stat -c '%n %a %u %Y %F' && find . -type f | sort | xargs md5sum); }

run vmtool cp -a tree web:/tmp/there
is "$rc:$err" "0:" "a folder goes in"
is "$(vmtool exec web -- md5sum /tmp/there/big /tmp/there/again | cut -c 1-32 | uniq)" \
	"$(md5sum <tree/big | cut -c 1-32)" "its bytes are those of the guest's own md5sum"
run vmtool cp -a web:/tmp/there back
is "$rc:$err" "0:" "and comes out"
is "$(list back)" "$(list tree)" "as it was"
is "$(stat -c %i back/big)" "$(stat -c %i back/again)" "two names still being one file"
run vmtool cp tree/dir/7 web:
is "$rc" 0 "a path that is not there is the user's home"
is "$(vmtool exec web -- cat /root/7)" 7 "which is root's"
run vmtool cp -u guest tree/dir/7 web:/root/8
is "$rc" 1 "where others may not write"
like "$err" "web: /root/8: Permission denied" "and it says so"
tar c tree | vmtool cp - web:/tmp
is "$?" 0 "an archive goes in"
is "$(vmtool cp web:/tmp/tree - | tar x -O tree/again | md5sum)" "$(md5sum <tree/again)" "and comes out"
run vmtool exec web -- sh -c 'ls -A /tmp /tmp/there /root | grep vmtool; pidof filed'
is "$out" "" "nothing is left of it"

run vmtool fs mkdir -p -m 700 web:/tmp/made/inner
run vmtool fs mv web:/tmp/there/dir web:/tmp/made/inner
is "$rc/$(vmtool exec web -- sh -c 'ls /tmp/made/inner/dir | wc -l; stat -c %a /tmp/made/inner')" "0/301
700" "fs makes and moves over vsock"
is "$(vmtool fs ls -r web:/tmp/made/inner | wc -l)" 302 "and lists what is there"
like "$(vmtool fs stat --json web:/tmp/made/inner/dir/1)" '"mode": "4711"' "with its mode"
run vmtool fs rm -r web:/tmp/made web:/proc web:/
is "$rc/$(vmtool exec web -- ls /tmp | grep -c made)" "1/0" "and removes it, but neither what is mounted nor the root"
is "$(printf '%s\n' "$err" | grep -c '(EBUSY)')" 2 "which it says with their errno"

truncate -s 1G sparse
run vmtool cp sparse web:/tmp/sparse
is "$rc:$(vmtool exec web -- sh -c 'stat -c %s /tmp/sparse; du -k /tmp/sparse | cut -f 1')" "0:1073741824
0" "a hole is one in the guest"

run vmtool stop web
run vmtool cp tree/dir/7 web:/tmp
is "$rc" 1 "a VM that is not running"
like "$err" "web: is not running" "and it says so"

done_testing
