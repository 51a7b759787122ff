# (none)                        set up and build out/vmtool

need_packages_for build
. build/ninja.sh
ninja_write release
ninja_run release out/vmtool
