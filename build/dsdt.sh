#!/bin/sh
# dsdt.sh FILE.asl OUT.h - the machine's ACPI byte code as a C array.
set -eu
aml=${2%.h}
log=$(iasl -p "$aml" "$1" 2>&1) || { printf '%s\n' "$log" >&2; exit 1; }
{
	echo 'static const unsigned char dsdt_aml[] = {'
	od -An -v -tx1 "$aml.aml" | sed 's/ \(..\)/ 0x\1,/g'
	echo '};'
} >"$2.new"
mv "$2.new" "$2"
