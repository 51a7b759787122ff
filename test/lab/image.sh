# image - what the emulated host boots, kept in the cache by what it is made of.
#
# Sourced by lab.sh. The kernel is Debian's cloud kernel as it comes; the root is an uncompressed
# cpio archive (TCG would spend longer unpacking than reading), to which each run appends its own.

lab_cache=$cache/lab

# The package that linux-image-cloud-amd64 stands for today.
lab_kernel_package() {
	apt-cache depends linux-image-cloud-amd64 2>/dev/null | sed -n 's/^ *Depends: //p'
}

# A kernel fetched before is good for ever: only an empty cache needs the network.
lab_kernel_fetch() {
	local package work log
	package=$(lab_kernel_package)
	[ -n "$package" ] || {
		want=lab missing=linux-image-cloud-amd64 as_root apt-get -qq update >&2 || true
		package=$(lab_kernel_package)
	}
	[ -n "$package" ] || die "lab: apt knows no linux-image-cloud-amd64; is the package mirror configured?"
	say "lab: fetching $package"
	mkdir -p "$lab_cache"
	work=$(mktemp -d "$lab_cache/tmp.XXXXXX")
	log=$work/log
	(cd "$work" && apt-get -qq download "$package" >"$log" 2>&1) || {
		apt_reason "$log" >&2
		rm -rf "$work"
		die "lab: apt-get could not download $package"
	}
	dpkg-deb -x "$work"/*.deb "$work"
	busybox depmod -b "$work" "$(ls "$work/lib/modules")"
	mkdir "$work/tree"
	mv "$work"/boot/vmlinuz-* "$work/tree/vmlinuz"
	mv "$work/lib/modules" "$work/tree/modules"
	mv -T "$work/tree" "$lab_cache/$package" 2>/dev/null || [ -d "$lab_cache/$package" ]
	rm -rf "$work"
}

lab_kernel_find() { find "$lab_cache" -maxdepth 1 -name 'linux-image-*' 2>/dev/null | sort -V | tail -n 1; }

# The folder with vmlinuz and modules/VERSION.
lab_kernel() {
	[ -n "$(lab_kernel_find)" ] || lab_kernel_fetch
	lab_kernel_find
}

# Paths of the modules asked for and of what they need, each after its needs: lab_modules DEP NAME...
# In modules.dep a module's needs stand nearest first.
lab_modules() {
	awk -v want="${*:2}" '
		function name(path) {
			sub(/.*\//, "", path); sub(/\.ko$/, "", path); gsub(/-/, "_", path)
			return path
		}
		{ sub(/:/, ""); line[name($1)] = $0 }
		END {
			n = split(want, asked, " ")
			for (i = 1; i <= n; i++) {
				if (!(asked[i] in line)) { print asked[i] ": no such module" >"/dev/stderr"; exit 1 }
				m = split(line[asked[i]], path, " ")
				for (j = m; j >= 1; j--)
					if (!seen[path[j]]++) print path[j]
			}
		}' "$1"
}

lab_modules_column() { sed 's/#.*//' test/lab/modules | awk "NF && $1 { print \$1 }"; }

# The unpacked root of KERNEL in DIR: lab_root KERNEL DIR.
lab_root() {
	local kernel=$1 dir=$2 version modules path applet
	version=$(ls "$kernel/modules")
	modules=lib/modules/$version
	(
		cd "$dir" || die "lab: $dir: no such folder"
		mkdir -p bin sbin usr/bin usr/sbin usr/local/bin etc root home/user mnt tmp run proc sys dev \
			var/tmp lab/in lab/out "$modules"
		chown 1000:1000 home/user 2>/dev/null || true
		chmod 1777 var/tmp
		cp "$(command -v busybox)" bin/busybox
		for applet in $(bin/busybox --list-full); do
			[ -e "$applet" ] || ln -s /bin/busybox "$applet"
		done
	)
	cp test/lab/etc/* "$dir/etc/"
	cp "$kernel/modules/$version"/modules.{dep,alias,symbols,builtin,order} "$dir/$modules/"
	# shellcheck disable=SC2046
	lab_modules "$dir/$modules/modules.dep" $(lab_modules_column 1) >"$dir/list"
	while read -r path; do
		install -D -m 644 "$kernel/modules/$version/$path" "$dir/$modules/$path"
	done <"$dir/list"
	rm "$dir/list"
	# shellcheck disable=SC2046
	lab_modules "$dir/$modules/modules.dep" $(lab_modules_column '$2 == "boot"') |
		sed "s#^#/$modules/#" >"$dir/etc/modules"
}

cpio_of() { (cd "$1" && find . | busybox cpio -o -H newc -R 0:0 2>/dev/null); }

# The archive all runs have in common.
lab_base() {
	local kernel=$1 key work
	key=$({ echo "$kernel"; cat test/lab/modules test/lab/image.sh test/lab/etc/* "$(command -v busybox)"; } | key_of)
	[ -f "$lab_cache/root-$key.cpio" ] || {
		say "lab: building the emulated host's root"
		work=$(mktemp -d "$lab_cache/tmp.XXXXXX")
		mkdir "$work/root"
		lab_root "$kernel" "$work/root"
		cpio_of "$work/root" >"$work/cpio"
		mv "$work/cpio" "$lab_cache/root-$key.cpio"
		rm -rf "$work"
	}
	echo "$lab_cache/root-$key.cpio"
}

# What runs in the lab and for it: a folder with init, freezer and runner.
lab_tools() {
	local key work shared dir=test/lab
	shared=(src/base/{bytes,clock,err,fd,fifo,loop,parse,spawn}.c src/proto/frame.c "$dir"/{wire,pump}.c)
	key=$({ echo "$toolchain_id ${flavour_cflags[release]}"; cat src/base/*.[ch] src/proto/frame.[ch] "$dir"/*.[ch]; } | key_of)
	[ -d "$lab_cache/tools-$key" ] || {
		say "lab: compiling its tools"
		link_kernel_headers
		mkdir -p "$lab_cache"
		work=$(mktemp -d "$lab_cache/tmp.XXXXXX")
		{
			lab_compile "$work/init" "${shared[@]}" $dir/init.c $dir/bringup.c &&
			lab_compile "$work/freezer" "${shared[@]}" $dir/freezer.c $dir/machine.c &&
			lab_compile "$work/runner" "${shared[@]}" $dir/runner.c $dir/machine.c
		} || { rm -rf "$work"; die "lab: its tools do not compile"; }
		mv -T "$work" "$lab_cache/tools-$key" 2>/dev/null || rm -rf "$work"
	}
	echo "$lab_cache/tools-$key"
}

lab_compile() {
	local out=$1
	shift
	# shellcheck disable=SC2086
	${flavour_cc[release]} $warnings ${flavour_cflags[release]} \
		-Wl,--gc-sections -s -Isrc -Itest/lab "$@" -o "$out"
}

# The booted host, frozen, that runs go on from: lab_frozen EMULATOR KERNEL TOOLS CLOCK. A folder with
# initrd, ram and state, 300 MB of them; the six used last are kept.
lab_frozen() {
	local emulator=$1 kernel=$2 tools=$3 clock=$4 base key folder work rc=0
	base=$(lab_base "$kernel")
	key=$(echo "$emulator $base $tools $clock" | key_of)
	folder=$lab_cache/frozen-$key
	exec 8>"$lab_cache/frozen.lock"
	flock 8
	[ -d "$folder" ] || {
		say "lab: booting its host, for this run and those after it"
		work=$(mktemp -d "$lab_cache/tmp.XXXXXX")
		mkdir "$work/root" "$work/frozen"
		cp "$tools/init" "$work/root/init"
		{ cat "$base"; cpio_of "$work/root"; } >"$work/frozen/initrd"
		"$tools/freezer" "$emulator" "$kernel/vmlinuz" "$work/frozen" "$clock" || rc=$?
		[ "$rc" = 0 ] || { rm -rf "$work"; exit "$rc"; }
		sync "$work/frozen"/{ram,state}
		mv "$work/frozen" "$folder"
		rm -rf "$work"
	}
	touch "$folder"
	find "$lab_cache" -maxdepth 1 -name 'frozen-*' -printf '%T@ %p\n' | sort -rn |
		tail -n +7 | cut -d' ' -f2- | xargs -r rm -rf
	exec 8>&-
	echo "$folder"
}
