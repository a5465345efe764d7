#!/bin/sh
# Runs the tests of this folder. Called in a network namespace that nobody else is in (unshare -n): its
# ephemeral range is made small enough to be used up, 300 ports.
set -e
ip link set lo up
echo '40000 40299' >/proc/sys/net/ipv4/ip_local_port_range
exec npx vitest run --project netns
