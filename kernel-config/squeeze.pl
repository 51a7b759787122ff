#!/usr/bin/perl
# squeeze.pl IN OUT - write a vmlinux that holds only what a VMM must copy.
#
# The x86 linker script puts each kind of memory on 2 MiB pages of its own, and
# the syscall entry code alone on one of them: 5 KB of code in 4 MB of int3.
# A VMM copies all of that at every boot. Here each PT_LOAD is cut at its long
# uniform runs: int3 filler is left out, since nothing runs or reads it; zeros
# become the difference between p_memsz and p_filesz, which is how ELF says
# "zero this". Sections and symbols go, PT_NOTE stays (the PVH entry). Offsets
# stay congruent to addresses modulo 4096, so a VMM may also map the file.
use strict;
use warnings;

use constant { PAGE => 4096, PT_LOAD => 1, PT_NOTE => 4 };
use constant RUN => 16 * PAGE;		# shorter runs are not worth a header

my ($in, $out) = @ARGV;
open my $fh, '<:raw', $in or die "$in: $!\n";
my $elf = do { local $/; <$fh> };
substr($elf, 0, 6) eq "\x7fELF\x02\x01" or die "$in: not a little-endian 64-bit ELF file\n";

my ($phoff, $phentsize, $phnum) = (unpack('Q<', substr $elf, 32, 8), unpack('S<S<', substr $elf, 54, 4));
my (@load, @note);
for my $i (0 .. $phnum - 1) {
	my %ph;
	@ph{qw(type flags offset vaddr paddr filesz memsz align)} =
	    unpack 'L<L<Q<6', substr $elf, $phoff + $i * $phentsize, 56;
	push @load, \%ph if $ph{type} == PT_LOAD;
	push @note, \%ph if $ph{type} == PT_NOTE;
}

my @piece;
for my $ph (@load) {
	my $bytes = substr $elf, $ph->{offset}, $ph->{filesz};
	my ($pages, @kept) = (int(($ph->{filesz} + PAGE - 1) / PAGE));
	for (my $p = 0; $p < $pages;) {
		my $fill = uniform(\$bytes, $p);
		my $end = $p + 1;
		$end++ while $end < $pages && uniform(\$bytes, $end) eq $fill;
		$fill = '' if ($end - $p) * PAGE < RUN;
		if ($fill eq '' && @kept && $kept[-1]{fill} eq '') {
			$kept[-1]{end} = $end;
		} else {
			push @kept, { fill => $fill, start => $p, end => $end };
		}
		$p = $end;
	}
	my $first = @piece;
	for my $k (@kept) {
		my $start = $k->{start} * PAGE;
		my $len = ($k->{end} * PAGE < $ph->{filesz} ? $k->{end} * PAGE : $ph->{filesz}) - $start;
		next if $k->{fill} eq "\xcc";
		if ($k->{fill} eq "\0" && @piece > $first && $piece[-1]{vaddr} + $piece[-1]{memsz} == $ph->{vaddr} + $start) {
			$piece[-1]{memsz} += $len;
			next;
		}
		push @piece, { type => PT_LOAD, flags => $ph->{flags}, align => PAGE, memsz => $len,
			vaddr => $ph->{vaddr} + $start, paddr => $ph->{paddr} + $start, old => $ph->{offset} + $start,
			bytes => $k->{fill} eq '' ? substr($bytes, $start, $len) : '' };
	}
	# Memory beyond the file (.bss) belongs to the last piece.
	$piece[-1]{memsz} = $ph->{vaddr} + $ph->{memsz} - $piece[-1]{vaddr};
}

my $at = 64 + 56 * (@piece + @note);
for my $p (@piece) {
	$at += ($p->{vaddr} - $at) % PAGE;
	$p->{offset} = $at;
	$at += $p->{filesz} = length $p->{bytes};
}
for my $n (@note) {
	my ($home) = grep { $_->{old} <= $n->{offset} && $n->{offset} + $n->{filesz} <= $_->{old} + $_->{filesz} } @piece;
	$home or die "$in: PT_NOTE lies outside what is loaded\n";
	$n->{offset} += $home->{offset} - $home->{old};
}

my $new = substr $elf, 0, 64;
substr($new, 32, 16) = pack 'Q<Q<', 64, 0;				# e_phoff, e_shoff
substr($new, 54, 10) = pack 'S<5', 56, @piece + @note, 64, 0, 0;	# sizes and counts
$new .= pack 'L<L<Q<6', @$_{qw(type flags offset vaddr paddr filesz memsz align)} for @piece, @note;
for my $p (@piece) {
	$new .= "\0" x ($p->{offset} - length $new) if length $p->{bytes};
	$new .= $p->{bytes};
}
open my $oh, '>:raw', $out or die "$out: $!\n";
print $oh $new and close $oh or die "$out: $!\n";

# The byte that a whole page consists of, if it is one of the two fillers.
sub uniform {
	my ($bytes, $page) = @_;
	my $p = substr $$bytes, $page * PAGE, PAGE;
	for my $fill ("\0", "\xcc") {
		return $fill if $p eq $fill x length $p;
	}
	return '';
}
