/* Included by diagnosis_test.c: a table of why, console, patient, id, line. */
{ "nothing of note", "[    0.000000] Linux version 6.1.0\r\n[    0.4] Run /init as init process\r\n", &bare, "", "" },
{ "no disk, no root device",
  "[    0.613] VFS: Cannot open root device \"vda1\" or unknown-block(0,0): error -6\r\n"
  "[    0.614] Please append a correct \"root=\" boot option; here are the available partitions:\r\n"
  "[    0.615] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n",
  &bare, "no_disk", "VFS: Cannot open root device" },
{ "only the panic line, as with quiet",
  "[    0.615] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n"
  "[    0.616] CPU: 0 PID: 1 Comm: swapper/0 Not tainted 6.1.0 #1\r\n", &bare, "no_disk", "unknown-block(0,0)" },
{ "a disk, and no driver for it",
  "[    0.615] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n",
  &with_disk, "no_virtio", "unknown-block(0,0)" },
{ "a disk of no known file system",
  "[    0.7] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(254,0)\r\n",
  &with_disk, "no_root_fs", "unknown-block(254,0)" },
{ "no ext4 on it", "[    1.1] EXT4-fs (vda): VFS: Can't find ext4 filesystem\r\n", &with_disk, "no_root_fs", "Can't find ext4" },
{ "initramfs-tools, Debian",
  "Gave up waiting for root file system device.  Common problems:\r\n"
  " - Boot args (cat /proc/cmdline)\r\n"
  "   - Check rootdelay= (did the system wait long enough?)\r\n"
  " - Missing modules (cat /proc/modules; ls /dev)\r\n"
  "ALERT!  /dev/vda1 does not exist.  Dropping to a shell!\r\n"
  "(initramfs) ", &with_disk, "no_virtio", "ALERT!" },
{ "the same without a disk", "ALERT!  UUID=ab-cd does not exist.  Dropping to a shell!\r\n", &bare, "no_disk", "ALERT!" },
{ "systemd waits for a device",
  "[\x1b[0;1;31m TIME \x1b[0m] Timed out waiting for device \x1b[0;1;39m/dev/vdb1\x1b[0m.\r\n", &with_disk, "root_missing", "Timed out" },
{ "dracut", "[  190.2] dracut-initqueue[271]: Warning: dracut-initqueue: timeout, still waiting for following\r\n", &with_disk, "root_missing", "timeout" },
{ "an init that is not there",
  "[    0.7] Kernel panic - not syncing: Requested init /nope failed (error -2).\r\n", &bare, "no_init", "/nope" },
{ "no init at all",
  "[    0.7] Kernel panic - not syncing: No working init found.  Try passing init= option to kernel. "
  "See Linux Documentation/admin-guide/init.rst for guidance.\r\n", &bare, "no_init", "No working init" },
{ "an init of another architecture",
  "[    0.6] Failed to execute /init (error -8)\r\n"
  "[    0.7] Kernel panic - not syncing: No working init found.\r\n", &bare, "init_wrong_format", "error -8" },
{ "another architecture, on a disk",
  "[    0.6] Starting init: /sbin/init exists but couldn't execute it (error -8)\r\n", &with_disk, "init_wrong_format", "/sbin/init" },
{ "init died", "[    3.2] Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b\r\n", &bare, "init_died", "0x0000000b" },
{ "unpacked it does not fit", "[    0.5] Initramfs unpacking failed: write error\r\n", &bare, "initrd_too_big", "write error" },
{ "no decompressor", "[    0.3] Initramfs unpacking failed: compression method lz4 not configured\r\n", &bare, "initrd_unreadable", "lz4" },
{ "damaged", "[    0.3] Initramfs unpacking failed: invalid magic at start of compressed archive\r\n", &bare, "initrd_unreadable", "invalid magic" },
{ "an initrd of old", "[    0.3] rootfs image is not initramfs (no cpio magic); looks like an initrd\r\n", &bare, "initrd_unreadable", "no cpio magic" },
{ "the kernel's killer", "[    9.1] Out of memory: Killed process 123 (stress) total-vm:99999kB, anon-rss:1kB\r\n", &bare, "out_of_memory", "Killed process 123" },
{ "nobody to kill", "[    0.9] Kernel panic - not syncing: System is deadlocked on memory\r\n", &bare, "out_of_memory", "deadlocked" },
{ "panic_on_oom", "[    9.1] Kernel panic - not syncing: Out of memory: compulsory panic_on_oom is enabled\r\n", &bare, "out_of_memory", "panic_on_oom" },
{ "no page", "[    0.9] swapper/0: page allocation failure: order:5, mode:0xcc0(GFP_KERNEL)\r\n", &bare, "out_of_memory", "order:5" },
{ "an old CPU", "This kernel requires the following features not present on the CPU: la57\r\nUnable to boot\r\n", &bare, "cpu_too_old", "la57" },
{ "a damaged bzImage", "\r\nXZ-compressed data is corrupt\r\n\r\n -- System halted", &bare, "kernel_damaged", "System halted" },
{ "lab: pci=off",
  "vmtool: ready 49 ms\r\n    6912 init warn: beacon: the kernel has no vsock to the host: No such device\r\n",
  &bare, "no_vsock", "has no vsock" },
{ "no vsock in the kernel at all",
  "vmtool: stage exec failed: vsock port 4089: Address family not supported by protocol\r\n"
  "vmtool: up, but no host can reach it\r\n", &bare, "no_vsock", "port 4089" },
{ "systemd's emergency", "You are in emergency mode. After logging in, type \"journalctl -xb\" to view\r\n", &with_disk, "emergency_shell", "emergency mode" },
{ "systemd freezes", "[    2.2] systemd[1]: Freezing execution.\r\n", &with_disk, "emergency_shell", "Freezing" },
{ "a soft lockup", "[   48.0] watchdog: BUG: soft lockup - CPU#1 stuck for 22s! [swapper/1:0]\r\n", &bare, "soft_lockup", "CPU#1" },
{ "a stall", "[   21.0] rcu: INFO: rcu_sched self-detected stall on CPU\r\n", &bare, "soft_lockup", "stall" },
{ "a fault of the kernel's", "[    1.0] BUG: kernel NULL pointer dereference, address: 0000000000000000\r\n[    1.1] Kernel panic - not syncing: Fatal exception\r\n", &bare, "kernel_bug", "NULL pointer" },
{ "another panic", "[    1.0] Kernel panic - not syncing: sysrq triggered crash\r\n", &bare, "panic", "sysrq triggered crash" },
{ "no newline yet", "[    1.0] Kernel panic - not syncing: sysrq", &bare, "panic", "Kernel panic - not syncing: sysrq" },
{ "a blank line in front of the stamp", " [ 1.0] Kernel panic - not syncing: x\n", &bare, "panic", "[ 1.0]" },
{ "lab: root=/dev/nope and no init",
  "[    6.066925] /dev/root: Can't open blockdev\r\n"
  "[    6.146535] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n",
  &bare, "no_disk", "unknown-block(0,0)" },
{ "lab: root=/dev/vda, an empty disk",
  "[    6.531875] erofs: (device vda): erofs_read_superblock: cannot find valid erofs superblock\r\n"
  "[    6.716391] erofs: (device vda): erofs_read_superblock: cannot find valid erofs superblock\r\n"
  "[    6.847958] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(254,0)\r\n",
  &with_disk, "no_root_fs", "unknown-block(254,0)" },
{ "lab: 100 MB of initramfs in 64M",
  "[   14.339806] Initramfs unpacking failed: write error\r\n"
  "[   14.982769] /dev/root: Can't open blockdev\r\n"
  "[   15.056568] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n",
  &bare, "initrd_too_big", "Initramfs unpacking failed" },
{ "lab: a gzip that was cut",
  "[   28.514288] Initramfs unpacking failed: uncompression error\r\n"
  "[   28.895509] /dev/root: Can't open blockdev\r\n"
  "[   28.923498] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n",
  &bare, "initrd_unreadable", "Initramfs unpacking failed" },
{ "lab: no gzip behind its magic",
  "[    2.744927] Initramfs unpacking failed: junk at the end of compressed archive\r\n"
  "[    4.733238] /dev/root: Can't open blockdev\r\n"
  "[    4.785076] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n",
  &bare, "initrd_unreadable", "Initramfs unpacking failed" },
{ "lab: bzip2, for a kernel without it",
  "[    5.291439] Initramfs unpacking failed: compression method bzip2 not configured\r\n"
  "[    7.060326] /dev/root: Can't open blockdev\r\n"
  "[    7.091802] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n",
  &bare, "initrd_unreadable", "Initramfs unpacking failed" },
{ "lab: damaged zstd",
  "[    2.712849] Initramfs unpacking failed: ZSTD-compressed data is probably corrupt\r\n"
  "[    4.087119] /dev/root: Can't open blockdev\r\n"
  "[    4.120655] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n",
  &bare, "initrd_unreadable", "Initramfs unpacking failed" },
{ "lab: lzo, for a kernel without it",
  "[    3.584224] Initramfs unpacking failed: compression method lzo not configured\r\n"
  "[    4.793090] /dev/root: Can't open blockdev\r\n"
  "[    4.820919] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n",
  &bare, "initrd_unreadable", "Initramfs unpacking failed" },
{ "lab: echo c >/proc/sysrq-trigger",
  "vmtool: description 5730 ms\r\n"
  "[    7.196837] sysrq: Trigger a crash\r\n"
  "[    7.245341] Kernel panic - not syncing: sysrq triggered crash\r\n",
  &bare, "panic", "sysrq triggered" },
{ "lab: --init /bin/false",
  "vmtool: hostname 9869 ms\r\n"
  "[   13.419053] Kernel panic - not syncing: Attempted to kill init! exitcode=0x00000100\r\n",
  &bare, "init_died", "exitcode=0x00000100" },
