#!/usr/bin/env bash
# What import writes, under ONNX Runtime at every optimisation level and with exact and saturating
# sums: float networks of the shared data and cases, imported on random pixels, run here, and run
# there on the same inputs. Held to: ONNX Runtime runs each at every setting, and without
# optimisations the largest output is the same for every input. Networks of random weights, whose
# outputs are nearly equal, are held to the first alone.
#
# usage: scripts/peer_imports.sh BUILD_DIRECTORY        exit status 1 where it does not
set -u
build=$1
peer=build/peer
shared=${IMCSIM_SHARED-../shared/data}
count=4
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

compare() { # LEAST MODEL [INPUTS.npy]: inputs of which the largest output is to be the same
    local name least=$1 inputs=${3-}
    shift
    name=$(basename "$1" .onnx)
    echo "$name, imported:"
    if ! "$build"/imcsim import "$1" --images random --calibrate "$count" --count "$count" \
        --log-level error -o "$work/$name.onnx" >/dev/null; then
        status=1
        return
    fi
    if [ -z "$inputs" ]; then
        inputs=$work/$name.npy
        node bench/outputs.js "$peer" inputs "$work/$name.onnx" "$count" "$inputs" || status=1
    fi
    "$build"/imcsim run configs/imagenet.yaml --set network.onnx="$work/$name.onnx" --inputs "$inputs" \
        --outputs "$work/$name.npz" --log-level error >/dev/null 2>"$work/notes" || status=1
    node bench/outputs.js "$peer" compare "$work/$name.onnx" "$inputs" "$work/$name.npz" \
        >"$work/table" || status=1
    cat "$work/table"
    [ "$(sed -n 's/^  disabled  *\([0-9]*\) of.*/\1/p' "$work/table")" -ge "$least" ] || status=1
}

scripts/install_peer.sh "$peer" || exit 0
for name in f_act_Cast f_conv1d f_dead_0.01 f_fp16 f_mlp_rank2; do
    compare "$count" "$shared/../cases/$name.onnx" "$shared/../cases/$name.in.npy"
done
for name in resnet32_fmnist resnet32_cifar10; do
    compare "$count" "$shared/$name/$name.onnx"
done
"$build"/test/tools/write_zoo --out "$work/zoo" --form float --size 32 --classes 10 --thin 8 \
    mobilenet_v2 squeezenet densenet121 unet unet_transposed >/dev/null || status=1
for model in "$work"/zoo/*.onnx; do
    compare 0 "$model"
done
exit $status
