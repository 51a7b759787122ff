# test/guests/initrd.sh: the small guest that tests and demo boot.
. test/lib.sh

run test/guests/initrd.sh
is "$rc" 0 "it is made"
is "$out" "" "with nothing on stdout"
first=$(sha256sum out/guest/initrd)
list=$(cpio -t --quiet <out/guest/initrd)

is "$(grep -x -e init -e bin/init -e bin/linuxrc <<<"$list")" "" "it has no init: vmtool brings its own"
for name in sh uname cat mount poweroff reboot sleep dd seq md5sum; do
	ok "$name is there" grep -qx "bin/$name" <<<"$list"
done
is "$(grep -xc -e proc -e sys -e dev -e run -e tmp -e etc -e root <<<"$list")" 7 "and the folders to mount on"
like "$(cpio -i --quiet --to-stdout etc/passwd <out/guest/initrd)" "guest:x:1000:1000:" "a user without rights is there"
is "$(($(stat -c %s out/guest/initrd) % 4))" 0 "another archive can follow it"

# In time to move a clock of whole seconds: nothing of now may be in it.
sleep 1.1
test/guests/initrd.sh 2>/dev/null
is "$(sha256sum out/guest/initrd)" "$first" "made again it is the same, byte for byte"

done_testing
