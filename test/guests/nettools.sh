#!/usr/bin/env bash
# nettools.sh - Debian's iperf3 and ping, for the lab and its guests: out/guest/nettools.tar, to be unpacked
# over /.
set -euo pipefail
cd "$(dirname "$(readlink -f "$0")")/../.."
. build/common.sh
. test/guests/program.sh

pack_programs out/guest/nettools.tar iperf3 libiperf0 libsctp1 libssl3 iputils-ping libcap2 libidn2-0 libunistring2 \
	-- /usr/bin/iperf3 /bin/ping
