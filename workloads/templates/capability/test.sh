#!/bin/sh
# The protocol's own test. Exit code: 0, or that of the first command that is not satisfied.
#
# One client on each of three kernels, then two clients on each of two: what a kernel's clients do at the same time the first
# does not show. A run shows one order of events, but of a machine of any size.
set -ue
cd "$(dirname "$0")"
skerry=${SKERRY:-skerry}

"$skerry" check ./skeleton.so --quiet
"$skerry" check ./skeleton.so --quiet --kernels 2 --clients 2 --slots op=2
"$skerry" test skeleton.yaml
