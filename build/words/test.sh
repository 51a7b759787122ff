# test [unit|cli|vm] [FILTER]   run the tests, closing with prove's summary

need_packages_for build test
. build/ninja.sh
ninja_write release
ninja_run release out/vmtool
ninja_write asan
ninja_run asan
exec test/run "$@"
