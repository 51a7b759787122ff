#!/usr/bin/perl
# report.pl SAMPLES JSON [NAME...] - medians, ratios and their spread, as a table and as JSON.
#
# The ratio is the median of the pairs' ratios; its spread is half the distance between their
# quartiles, as a part of it.
use strict;
use warnings;

my ($samples, $json, @names) = @ARGV;
# In the order of the table: name, unit, the peer's side in the samples, what to call it.
my @benches = (
	[ boot_to_init => 'ms', 'qemu', 'qemu microvm' ],
	[ vmm_memory_outside_ram => 'KiB', 'qemu', 'qemu microvm' ],
	[ exits_per_boot => 'exits', 'qemu', 'qemu microvm' ],
	[ start_to_ready => 'ms', 'qemu', 'qemu microvm' ],
	[ boot_all_devices => 'ms', 'qemu', 'qemu microvm' ],
	[ memory_all_devices => 'KiB', 'qemu', 'qemu microvm' ],
	[ exits_all_devices => 'exits', 'qemu', 'qemu microvm' ],
	[ exec_roundtrip => 'us', 'openssh', 'OpenSSH' ],
	[ exec_roundtrip_master => 'us', 'openssh', 'OpenSSH ControlMaster' ],
	[ exec_throughput => 'KiB/s', 'raw', 'raw vsock copy' ],
	[ exec_throughput_relayed => 'KiB/s', 'relay', 'bare relay of a pipe' ],
	[ exec_input_throughput => 'KiB/s', 'raw', 'raw vsock copy' ],
	[ exec_input_throughput_relayed => 'KiB/s', 'relay', 'bare relay of a pipe' ],
	[ stream_throughput => 'KiB/s', 'raw', 'raw vsock copy' ],
	[ stream_throughput_relayed => 'KiB/s', 'relay', 'bare relay of tcp' ],
	[ stream_input_throughput => 'KiB/s', 'raw', 'raw vsock copy' ],
	[ stream_input_throughput_relayed => 'KiB/s', 'relay', 'bare relay of tcp' ],
	[ forward_roundtrip => 'us', 'relay', 'bare relays of tcp' ],
	[ forward_throughput => 'KiB/s', 'relay', 'bare relays of tcp' ],
	[ forward_input_throughput => 'KiB/s', 'relay', 'bare relays of tcp' ],
	[ ready_delay => 'ms', 'poll', 'a loop of 200 ms' ],
	[ ready_delay_3s => 'ms', 'poll3s', 'a loop of 3 s' ],
	[ ready_delay_bare => 'ms', 'relay', 'a bare byte by vsock' ],
	[ start_cpu => 'us/s', 'poll', 'a loop of 200 ms' ],
	[ probe_delay => 'ms', 'poll', 'a loop of 200 ms' ],
	[ probe_delay_closed => 'ms', 'poll', 'a loop of 200 ms' ],
	[ probe_wait_cpu => 'us/s', 'poll', 'a loop of 200 ms' ],
	[ known_hosts_check => 'ms', 'ssh_keygen', 'ssh-keygen -F' ],
	[ known_hosts_pin => 'ms', 'ssh_keygen', 'ssh-keygen -F' ],
	[ known_hosts_hashed => 'ms', 'ssh_keygen', 'ssh-keygen -F' ],
	[ ls_thousand => 'us', 'cat', 'ls -l and cat' ],
	[ disk_randread => '1/s', 'qemu', 'qemu aio=threads' ],
	[ disk_randread_io_uring => '1/s', 'qemu_io_uring', 'qemu aio=io_uring' ],
	[ disk_randread1 => '1/s', 'qemu', 'qemu aio=threads' ],
	[ disk_randread1_io_uring => '1/s', 'qemu_io_uring', 'qemu aio=io_uring' ],
	[ disk_randwrite => '1/s', 'qemu', 'qemu aio=threads' ],
	[ disk_randwrite_io_uring => '1/s', 'qemu_io_uring', 'qemu aio=io_uring' ],
	[ disk_read => 'KiB/s', 'qemu', 'qemu aio=threads' ],
	[ disk_read_io_uring => 'KiB/s', 'qemu_io_uring', 'qemu aio=io_uring' ],
	[ disk_write => 'KiB/s', 'qemu', 'qemu aio=threads' ],
	[ disk_write_io_uring => 'KiB/s', 'qemu_io_uring', 'qemu aio=io_uring' ],
	[ tap_throughput => 'KiB/s', 'qemu', 'qemu, vhost=off' ],
	[ tap_input_throughput => 'KiB/s', 'qemu', 'qemu, vhost=off' ],
	[ tap_roundtrip => 'us', 'qemu', 'qemu, vhost=off' ],
	[ vhost_throughput => 'KiB/s', 'qemu', 'qemu, vhost=on' ],
	[ vhost_input_throughput => 'KiB/s', 'qemu', 'qemu, vhost=on' ],
	[ vhost_roundtrip => 'us', 'qemu', 'qemu, vhost=on' ],
	[ passt_throughput => 'KiB/s', 'qemu', 'qemu on passt' ],
	[ passt_input_throughput => 'KiB/s', 'qemu', 'qemu on passt' ],
	[ passt_roundtrip => 'us', 'qemu', 'qemu on passt' ],
	[ vsock_throughput => 'KiB/s', 'qemu', 'qemu, vhost-vsock' ],
	[ vsock_input_throughput => 'KiB/s', 'qemu', 'qemu, vhost-vsock' ],
	[ vsock_roundtrip => 'us', 'qemu', 'qemu, vhost-vsock' ],
	[ agent_memory => 'KiB', 'openssh', 'sshd and its sessions' ],
);
my %wanted = map { $_ => 1 } (@names ? @names : map { $_->[0] } @benches);

sub quantile {
	my ($q, @v) = @_;
	@v = sort { $a <=> $b } @v;
	my $at = $q * $#v;
	my $low = int $at;
	my $high = $low < $#v ? $low + 1 : $low;
	return $v[$low] + ($at - $low) * ($v[$high] - $v[$low]);
}

my (%value, @host_share, %growth, @sizes);
open my $in, '<', $samples or die "$samples: $!\n";
while (<$in>) {
	if (/^growth (\w+) (\d+:\d+:\d+) ([\d.]+) (\d+) (-?\d+)$/) {
		push @sizes, $2 unless $growth{$2};
		push @{ $growth{$2}{$1}[0] }, $3;
		push @{ $growth{$2}{$1}[1] }, $4;
		push @{ $growth{$2}{$1}[2] }, $5;
	}
	my ($name, $side, $pair, $v) = /^(\w+) (\w+) (\d+) (-?[\d.]+)$/ or next;
	push @host_share, $v if $name eq 'start_host_share';
	$value{$name}{$pair}{$side} = $v if $v > 0;
}
close $in;

my @rows;
for my $bench (grep { $wanted{ $_->[0] } } @benches) {
	my ($name, $unit, $side, $peer_name) = @$bench;
	my (@ours, @peer, @ratio);
	for my $pair (values %{ $value{$name} || {} }) {
		next unless defined $pair->{vmtool} && defined $pair->{$side};
		push @ours, $pair->{vmtool};
		push @peer, $pair->{$side};
		push @ratio, $pair->{vmtool} / $pair->{$side};
	}
	die "bench: $name has no complete pair\n" unless @ratio;
	my $ratio = quantile(0.5, @ratio);
	push @rows, [ $name, $unit, quantile(0.5, @ours), quantile(0.5, @peer), $peer_name,
		$ratio, scalar @ratio, (quantile(0.75, @ratio) - quantile(0.25, @ratio)) / 2 / $ratio ];
}

printf "%-29s %-6s %10s %10s  %-21s %6s %6s %7s\n", qw(NAME UNIT OURS PEER PEER_NAME RATIO PAIRS SPREAD);
printf "%-29s %-6s %10.1f %10.1f  %-21s %6.3f %6d %6.1f%%\n", @{$_}[0 .. 6], 100 * $_->[7] for @rows;

if (@sizes) {
	printf "%-26s %16s %16s %16s\n", 'GROWTH, ours and qemu', 'boot, ms', 'memory, KiB', 'exits';
	for my $size (@sizes) {
		my ($cpus, $mib, $disks) = split /:/, $size;
		printf "%d CPU, %4d MiB, %d disks %s\n", $cpus, $mib, $disks, join '', map {
			my $column = $_;
			sprintf ' %8.0f%8.0f', map { quantile(0.5, @{ $growth{$size}{$_}[$column] }) } qw(vmtool qemu);
		} 0 .. 2;
	}
}

printf "of start_to_ready, the host's own share: %.1f ms (median of %d)\n",
	quantile(0.5, @host_share), scalar @host_share if $wanted{start_to_ready} && @host_share;

my $text = join ",\n", map {
	sprintf '  {"name": "%s", "unit": "%s", "ours": %.3f, "peer": %.3f, "peer_name": "%s", '
		. '"ratio": %.4f, "pairs": %d, "spread": %.4f}', @$_;
} @rows;
open my $to, '>', "$json.new" or die "$json: $!\n";
print $to "[\n$text\n]\n";
close $to or die "$json: $!\n";
rename "$json.new", $json or die "$json: $!\n";
