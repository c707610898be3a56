#!/usr/bin/env bash
# 2,000 random small networks over all operators (test/random_graph.h) under ONNX Runtime, without
# optimisations, and here, byte by byte: half of them exact, where nothing may differ, the others
# but for bytes at ties. Refused networks are listed and others take their place.
#
# usage: scripts/peer_graphs.sh BUILD_DIRECTORY [COUNT [FIRST]]        exit status 1 where one is
#        wrong; COUNT 2000, seeds from FIRST (1)
set -u
build=$1
count=${2-2000}
first=${3-1}
peer=build/peer
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

scripts/install_peer.sh "$peer" || exit 0
"$build"/test/tools/write_graphs "$work" "$first" $((count + count / 20)) || exit 1
echo "random networks from seed $first, beside ONNX Runtime without optimisations:"
node bench/graphs.js "$peer" "$work" "$count"
