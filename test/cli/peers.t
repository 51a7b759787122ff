# peers: ones nobody wishes for, on the ports of a guest agent; vm/peers.t is the same over vsock.
. test/lib.sh
target_sh=test/both/target.sh
. test/both/peers.sh
done_testing
