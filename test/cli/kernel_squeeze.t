# kernel-config/squeeze.pl: less to copy, and the same memory afterwards.
. test/lib.sh

squeeze=kernel-config/squeeze.pl
big=$tap_dir/vmlinux
small=$tap_dir/squeezed

# A kernel in miniature: code, int3 filler, code with a note, zeros, data, .bss.
perl -e '
	my @page = ("A" x 4096, ("\xcc" x 4096) x 20, "B" x 4096, ("\0" x 4096) x 20, "C" x 100);
	my $bytes = join "", @page;
	my $len = length $bytes;
	my ($v, $p) = (0xffffffff81000000, 0x1000000);
	my $b = 21 * 4096;
	print "\x7fELF\x02\x01\x01", "\0" x 9, pack("S<S<L<Q<3L<S<6", 2, 62, 1, $p + 7, 64, 0, 0, 64, 56, 2, 64, 0, 0),
	      pack("L<L<Q<6", 1, 5, 0x200000, $v, $p, $len, $len + 8192, 0x200000),
	      pack("L<L<Q<6", 4, 0, 0x200000 + $b + 16, $v + $b + 16, $p + $b + 16, 32, 32, 4),
	      "\0" x (0x200000 - 64 - 112), $bytes' >"$big"

# Physical pages after loading FILE, one a line: address and checksum.
loaded() {
	perl -MDigest::SHA=sha1_hex -e '
		local $/; open my $f, "<:raw", $ARGV[0]; my $e = <$f>; my %mem;
		my ($off, $n) = (unpack("Q<", substr $e, 32, 8), unpack("S<", substr $e, 56, 2));
		for (0 .. $n - 1) {
			my ($type, $fl, $o, $v, $p, $fs, $ms) = unpack "L<L<Q<6", substr $e, $off + $_ * 56, 56;
			next if $type != 1;
			my $m = substr($e, $o, $fs) . "\0" x ($ms - $fs);
			$mem{$p + $_} = substr $m, $_, 4096 for map { $_ * 4096 } 0 .. int((length($m) - 1) / 4096);
		}
		printf "%x %s\n", $_, sha1_hex($mem{$_}) for sort { $a <=> $b } keys %mem' "$1"
}

# The bytes of the first PT_NOTE.
note() {
	perl -e '
		local $/; open my $f, "<:raw", $ARGV[0]; my $e = <$f>;
		for (0 .. unpack("S<", substr $e, 56, 2) - 1) {
			my ($type, $fl, $o, $v, $p, $fs) = unpack "L<L<Q<4", substr $e, 64 + $_ * 56, 40;
			print substr $e, $o, $fs if $type == 4;
		}' "$1"
}

run $squeeze "$big" "$small"
is "$rc" 0 "an ELF kernel is squeezed"
is "$(loaded "$big" | sed 2,21d)" "$(loaded "$small")" "memory is the same, but for the filler"
ok "four pages are left of forty" test "$(stat -c %s "$small")" -le $((4 * 4096))
is "$(od -An -tx8 -j24 -N8 "$small")" "$(od -An -tx8 -j24 -N8 "$big")" "the entry point stays"
is "$(note "$small")" "$(printf 'B%.0s' {1..32})" "and the note is found where its header says"

echo '#!/bin/sh' >"$big"
run $squeeze "$big" "$small"
like "$err" "not a little-endian 64-bit ELF file" "anything else is refused"

done_testing
