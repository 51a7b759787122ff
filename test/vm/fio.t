# fio.t - what a guest writes is what it reads, whoever waits for the file; and a power cut loses nothing that was synced.
# with: test/vm/host.sh test/soak/random.sh test/soak/disk.sh out/guest/fio.tar out/guest/e2fsprogs.tar
. /lab/in/lib.sh

run sh /lab/in/disk.sh 2 11
is "$rc" 0 "fio verifies four disks, and two power cuts lose no file"
diag "$out"
done_testing
