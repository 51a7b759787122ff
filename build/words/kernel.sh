# kernel                        build the guest kernel: out/kernel/vmlinux

run_script kernel-config/build.sh "$@"
