#!/bin/sh
# finish.sh PROGRAM OUT - strip PROGRAM to OUT, if it is what we promise.
#
# The promise: one file that runs on any kernel without a C library beside it, that
# no exploit can write code into, and that stays below a mebibyte.
set -eu
limit=1048576

refuse() { echo "$out: $*" >&2; rm -f "$out.new"; exit 1; }

out=$2
strip -o "$out.new" "$1"
segments=$(readelf -lW "$out.new")
dynamic=$(readelf -dW "$out.new")
has() { printf '%s\n' "$1" | grep -qE "$2"; }

has "$segments" '^ *INTERP' && refuse 'asks for an interpreter: not statically linked'
has "$dynamic" '\(NEEDED\)' && refuse 'asks for a shared library'
has "$segments" 'type is DYN' || refuse 'not position independent'
has "$segments" '^ *GNU_STACK .* RW +0' || refuse 'the stack is executable'
has "$segments" '^ *LOAD .* RWE ' && refuse 'a segment is writable and executable'
has "$segments" '^ *GNU_RELRO' || refuse 'no relro'
has "$dynamic" 'BIND_NOW|Flags: NOW' || refuse 'not bound at start (-z now)'
size=$(stat -c %s "$out.new")
[ "$size" -le "$limit" ] || refuse "$size bytes, more than $limit"

mv "$out.new" "$out"
echo "$out: $size bytes"
