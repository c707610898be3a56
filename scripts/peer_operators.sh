#!/usr/bin/env bash
# Operators of transformers, each in a small model, under ONNX Runtime without optimisations beside
# plain loops, which test_float_attention holds the float evaluator to. What ONNX Runtime does not
# have on a CPU is listed.
#
# usage: scripts/peer_operators.sh BUILD_DIRECTORY        exit status 1 where they are apart
set -u
build=$1
peer=build/peer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

scripts/install_peer.sh "$peer" || exit 0
IMCSIM_MODELS=$work "$build"/test/unit/test_float_attention >"$work/log" 2>&1 || {
    cat "$work/log"
    exit 1
}
echo "operators of transformers beside ONNX Runtime without optimisations:"
node bench/operators.js "$peer" "$work"
