# bench [NAME...]               measure against a peer, in pairs; out/bench.json

run_script test/bench/bench.sh "$@"
