# kernel-config/build.sh: what it keeps, what it says, what it leaves behind.
#
# A copy of the scripts runs with stand-ins for apt-get, dpkg and make, so
# that five minutes of compiling become a copy and no network is asked.
. test/lib.sh

tree=$tap_dir/tree
bin=$tap_dir/bin
store=$tap_dir/cache/kernel
calls=$tap_dir/calls
export VMTOOL_CACHE=$tap_dir/cache calls
mkdir -p "$tree" "$bin" "$tap_dir/deb/usr/src" "$tap_dir/linux-source-6.1"
cp -R build kernel-config "$tree/"
touch "$tap_dir/linux-source-6.1/Makefile"
tar -cJf "$tap_dir/deb/usr/src/linux-source-6.1.tar.xz" -C "$tap_dir" linux-source-6.1
tar -cf "$tap_dir/deb.tar" -C "$tap_dir/deb" ./usr

cat >"$bin/apt-get" <<-'END'
	#!/bin/sh
	echo "apt-get $*" >>"$calls"
	case $* in *download*) [ -z "${no_network-}" ] && touch linux-source-6.1_6.1.1-1_all.deb ;; esac
END
cat >"$bin/dpkg-query" <<-'END'
	#!/bin/sh
	for package; do echo "$package installed"; done
END
cat >"$bin/dpkg-deb" <<-END
	#!/bin/sh
	case \$1 in -f) echo 6.1.1-1 ;; *) cat "$tap_dir/deb.tar" ;; esac
END
cat >"$bin/make" <<-'END'
	#!/bin/bash
	while [ "$1" != -C ]; do shift; done
	cd "$2"
	for word; do case $word in KCONFIG_ALLCONFIG=*) asked=${word#*=} ;; esac; done
	case $word in
	allnoconfig) grep '=' "$asked" | grep -v "^${lose_option:-none}=" >.config ;;
	vmlinux) echo make >>"$calls"; sleep "${slow:-0}"; [ -z "${broken-}" ] && cp /bin/true vmlinux && touch System.map || { echo "x.c:1: error: no"; exit 2; } ;;
	kernelrelease) echo 6.1.1-vmtool ;;
	esac
END
chmod +x "$bin"/*
kernel() { run env PATH="$bin:$PATH" "$@"; }
build=$tree/kernel-config/build.sh
made() { grep -c '^make$' "$calls"; }

kernel no_network=1 "$build"
is "$rc" 1 "with an empty cache and no network it fails"
like "$err" "apt-get could not download linux-source-6.1" "and says what it wanted"

kernel broken=1 "$build"
is "$rc" 1 "a compilation that fails is a failure"
like "$err" "x.c:1: error: no" "that shows the compiler's first words"
like "$err" "see $store/" "and names the log"

kernel lose_option=CONFIG_PVH "$build"
is "$rc" 1 "a line that Kconfig drops is a failure"
like "$err" "CONFIG_PVH=y did not take" "by name"
is "$(find "$store" -name work)" "" "no half-built tree is left by any of them"

: >"$calls"
kernel "$build"
is "$rc" 0 "then it builds"
is "$out" "" "with nothing on stdout"
like "$err" "6.1.1-vmtool" "and says which kernel it is"
is "$(grep -c apt-get "$calls")" 0 "from the source it already had"
like "$(cat "$tree/out/kernel/version")" "source linux-source-6.1 6.1.1-1" "the revision is written down"
is "$(find "$store" -name work)" "" "and the tree is gone"

rm -rf "$tree/out" "$store/source"
kernel no_network=1 "$build"
is "$rc $(made)" "0 1" "a clean checkout takes it from the cache, without the network"
ok "and has all three files" test -s "$tree/out/kernel/vmlinux" -a -s "$tree/out/kernel/config" -a -s "$tree/out/kernel/version"

kernel "$build" --refresh
is "$rc $(made)" "0 2" "--refresh builds again"
like "$(cat "$calls")" "apt-get -qq update" "with the newest source"

echo 'CONFIG_EXTRA=y  # a test' >>"$tree/kernel-config/common.config"
PATH=$bin:$PATH slow=1 "$build" 2>/dev/null &
kernel slow=1 "$build"
wait $!
is "$rc $? $(made)" "0 0 3" "two at once build a new fragment once"

echo 'CONFIG_MORE=y  # a test' >>"$tree/kernel-config/common.config"
before=$(made)
PATH=$bin:$PATH slow=5 "$build" 2>/dev/null &
for _ in {1..1000}; do
	[ "$(made)" = "$before" ] || break
	sleep 0.01
done
ok "a build is at work" test "$(made)" != "$before" -a -d "$store/work"
kill $!
wait $! 2>/dev/null
is "$(find "$store" -name work)" "" "ended by a signal it leaves no tree"
kernel "$build"
is "$rc" 0 "and the next one is not in its way"

kernel "$build" --frobnicate
is "$rc" 2 "an unknown argument is wrong usage"
like "$err" "--frobnicate" "and is named"

done_testing
