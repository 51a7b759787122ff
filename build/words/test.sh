# test [unit|cli|vm] [FILTER]   run the tests, closing with prove's summary

need_packages_for build test
. build/ninja.sh
ninja_write release
ninja_run release out/vmtool
ninja_write asan
ninja_run asan

# What runs in a lab boots something there.
if [[ ${1-vm} != unit && ${1-vm} != cli ]] && compgen -G 'test/vm/*.t' >/dev/null; then
	kernel-config/build.sh
	test/guests/initrd.sh
fi
exec test/run "$@"
