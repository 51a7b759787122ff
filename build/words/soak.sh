# soak [NAME] [ROUNDS]          long runs: rounds, failures, the seed that repeats them

run_script test/soak/soak.sh "$@"
