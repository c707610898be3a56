#!/usr/bin/env bash
# Runs configurations under the native and the SystemC kernel: but for the kernel's name and the
# host's speed the results must be the same bytes.
#
# usage: scripts/compare_kernels.sh IMCSIM CONFIG...        exit status 1 if two differ
set -u
imcsim=$1
shift
status=0
result() { "$imcsim" run "$1" --kernel "$2" --json - | sed '/^  "host":/d; /^  "kernel":/d'; }
for config in "$@"; do
    grep -q '^macro:' "$config" && continue # a circuit for `imcsim breakdown`: nothing to run
    native=$(result "$config" native)
    if [ -n "$native" ] && [ "$native" = "$(result "$config" systemc)" ]; then
        echo "ok    $config: native and systemc agree"
    else
        echo "FAIL  $config: native and systemc differ"
        status=1
    fi
done
exit $status
