# test [unit|cli|vm] [FILTER]   run the tests, closing with prove's summary

need_packages_for build test
. build/ninja.sh
ninja_write release
ninja_run release out/vmtool tools
ninja_write asan
ninja_run asan

# Only unit tests do without a guest to boot; a test skipped for want of one would be a lie.
if [ "${1-}" != unit ]; then
	kernel-config/build.sh
	test/guests/initrd.sh
	test/guests/disks.sh
	test/guests/kernel.sh
	test/guests/servers.sh
	test/guests/ssh.sh
fi
exec test/run "$@"
