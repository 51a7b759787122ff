# memory: of a guest agent without a VM.
. test/lib.sh
. test/both/target.sh
trap 'target_end; rm -rf "$tap_dir"' EXIT
. test/both/memory.sh
done_testing
