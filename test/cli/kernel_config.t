# kernel-config: each line says why, each line survived, and a broken one is named.
. test/lib.sh

fragments="kernel-config/common.config kernel-config/$(uname -m).config"
check=kernel-config/check.sh
bad=$tap_dir/bad.config

# shellcheck disable=SC2086
run $check $fragments
is "$rc" 0 "each line of the fragments has a reason, and no option is set twice"
is "$err" "" "and there is nothing to say"

echo 'CONFIG_NET=y' >"$bad"
run $check "$bad"
is "$rc" 1 "a line without a reason is refused"
like "$err" "$bad:1: not of the form" "by file and line"

printf '%s\n' 'CONFIG_NET=y  # sockets' 'CONFIG_NET=n  # no sockets' >"$bad"
run $check "$bad"
is "$rc" 1 "an option that is set twice is refused"
is "$err" "set more than once: CONFIG_NET" "by name"

# A Kconfig tree and its answer, small enough to see why each line is lost.
mkdir "$tap_dir/source"
cat >"$tap_dir/source/Kconfig" <<-'END'
	config EXPERT
		bool "Experts"
		select DEBUG_KERNEL
	config DEBUG_KERNEL
		bool "Debugging"
	config SIT
		bool "Tunnels"
		depends on IPV6
END
echo 'CONFIG_EXPERT=y
CONFIG_DEBUG_KERNEL=y
CONFIG_NR_CPUS=6' >"$tap_dir/config"
lost() {
	echo "$1  # a reason" >"$bad"
	run $check -c "$tap_dir/config" -s "$tap_dir/source" "$bad"
}
lost CONFIG_EXPERT=y
is "$rc" 0 "a line that took is fine"
lost CONFIG_DEBUG_KERNEL=n
is "$rc" 1 "an option that something else selects is a failure"
like "$err" "EXPERT selects it" "which names what selects it"
lost CONFIG_SIT=y
like "$err" "it depends on IPV6" "an option without what it needs: names that"
lost CONFIG_GONE=y
like "$err" "this source has no such option" "an option that does not exist: says so"
lost CONFIG_NR_CPUS=64
like "$err" "CONFIG_NR_CPUS=64 did not take: Kconfig made it 6" "a value that was changed: names both"

if [ -f out/kernel/config ]; then
	# shellcheck disable=SC2086
	run $check -c out/kernel/config $fragments
	is "$rc" 0 "every line is in the kernel that was built"
	is "$err" "" "with nothing to say"
else
	skip "the guest kernel is not built; ./build.sh kernel" "every line is in the kernel that was built"
fi

done_testing
