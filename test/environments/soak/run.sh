#!/bin/sh
# The soak in a network namespace that nobody else is in (unshare --net): a program of the machine's that
# binds a shared port by its number, the one way to get at it, would count as a collision.
set -e
ip link set lo up
exec node "$(dirname "$0")/soak.mjs" "$@"
