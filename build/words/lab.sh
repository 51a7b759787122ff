# lab [-f FILE]... [-- CMD...]  run CMD (or a shell) in the emulated KVM host

run_script test/lab/lab.sh "$@"
