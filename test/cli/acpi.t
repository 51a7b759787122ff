# acpi: our tables, read back by ACPICA's own disassembler, and made anew from what it read.
. test/lib.sh

command -v iasl >/dev/null || plan_skip "no iasl here: package acpica-tools"
tables=(XSDT FACP APIC MCFG DSDT)

# Silent, but for what it complains of.
read_back() {	# TABLE
	iasl -d "$1.dat" >"$1.log" 2>&1 || { diag "$(cat "$1.log")"; return 1; }
	! grep -iE 'error|warning|incorrect|invalid|unknown|\*\*\*\*' "$1.log" "$1.dsl" >complaints || {
		diag "$(cat complaints)"
		return 1
	}
}

# The compiler names itself, and its version, in place of us.
made_anew() {	# TABLE
	iasl -p again "$1.dsl" >again.log 2>&1 || { diag "$(cat again.log)"; return 1; }
	grep -q ' 0 Errors, 0 Warnings' again.log && cmp -i 36 "$1.dat" again.aml
}

for cpus in 1 32 255; do
	dir=$tap_dir/$cpus
	mkdir "$dir"
	ok "$cpus CPUs: the tables are written" out/asan/test/acpi_test "$dir" $cpus
	cd "$dir" || exit 1
	for table in "${tables[@]}"; do
		ok "$cpus CPUs: $table is read without a complaint" read_back "$table"
		ok "$cpus CPUs: and says the same when it is made anew" made_anew "$table"
	done
	is "$(grep -c 'Processor Enabled : 1' APIC.dsl)" $cpus "$cpus CPUs: it counts as many"
	cd - >/dev/null || exit 1
done
grep -q "Name (_S5" "$tap_dir/1/DSDT.dsl"
is $? 0 "the sleep type of poweroff is in it"
done_testing
