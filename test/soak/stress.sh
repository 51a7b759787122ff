# stress.sh SECONDS SEED - stress-ng on a guest of two CPUs for so long by the guest's clock: computing, memory that
# is mapped and checked, timers, switches between threads, and files on a disk. Exits 1 when one of its workers
# failed, the guest's kernel complained, the guest does not answer, or the disk's file system is not sound.
# with: out/guest/stress.tar
seconds=$1 seed=$2
. /lab/in/host.sh
# A computer that emulates a computer is slow, not stuck: its watchdog is given time.
append='rcupdate.rcu_cpu_stall_timeout=300 watchdog_thresh=60'
disk=/tmp/stress.img
failures=0

failed() {
	echo "failed: $*"
	failures=$((failures + 1))
}
guest() { vmtool exec web -- "$@" </dev/null; }

tar -xf /lab/in/stress.tar -C /
truncate -s 256M $disk
/sbin/mke2fs -q -F -t ext4 $disk || exit 1
start web -q --cpus 2 --memory 384M --disk $disk --mount '/dev/vda /mnt ext4' --append "$append" || exit 1
vmtool cp -q /lab/in/stress.tar web:/tmp/ && guest tar -xf /tmp/stress.tar -C / && guest rm /tmp/stress.tar || exit 1

guest stress-ng --seed "$seed" --timeout "${seconds}s" --temp-path /mnt --verify --metrics-brief \
	--cpu 2 --vm 1 --vm-bytes 64M --timer 1 --switch 2 --hdd 1 --hdd-bytes 32M --iomix 1 --iomix-bytes 8M >/tmp/report 2>&1 ||
	failed "stress-ng: $?"
cat /tmp/report
[ "$(guest nproc)" = 2 ] || failed "the guest does not answer, or has lost a CPU"
guest umount /mnt || failed "the disk is not let go"
complaints=$(vmtool logs web | grep -aiE 'bug:|warning:|oops|call trace|stall|lockup|hung task|i/o error|ext4-fs error|unstable')
[ -z "$complaints" ] || failed "the kernel complains: $complaints"
run_out=$(vmtool stop web 2>&1) || failed "it does not stop: $run_out"
/sbin/e2fsck -fn $disk >/tmp/fsck 2>&1 || failed "the disk: $(cat /tmp/fsck)"
echo "stress: $seconds s, $failures failures, SEED=$seed"
[ $failures -eq 0 ]
