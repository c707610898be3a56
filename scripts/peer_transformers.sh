#!/usr/bin/env bash
# 500 random small transformers in the styles of exporters (test/random_transformer.h) under ONNX
# Runtime, without optimisations, and here: every value of their outputs.
#
# usage: scripts/peer_transformers.sh BUILD_DIRECTORY [COUNT [FIRST]]      exit status 1 where more
#        than 1 of 100 differ; COUNT 500, seeds from FIRST (1)
set -u
build=$1
count=${2-500}
first=${3-1}
peer=build/peer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

scripts/install_peer.sh "$peer" || exit 0
"$build"/test/tools/write_transformers "$work" "$first" "$count" || exit 1
echo "random transformers from seed $first, beside ONNX Runtime without optimisations:"
node bench/transformers.js "$peer" "$work"
