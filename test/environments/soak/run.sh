#!/bin/sh
# The soaks in a network namespace that nobody else is in (unshare --net): a program of the machine's that
# binds a shared port by its number, the one way to get at it, would count as a collision.
set -e
folder=$(dirname "$0")
ip link set lo up
node "$folder/soak.mjs" "$@"
node "$folder/shared.mjs"
for way in listen activate number; do
  node "$folder/restarts.mjs" --starts 50 --way "$way"
done
