#!/usr/bin/env bash
# The float networks of the shared data with the weakest filter of each convolution zeroed,
# imported: on the first 300 test images import counts as many right answers as run, and ONNX
# Runtime without optimisations finds run's class on each. What it makes of the float file is printed
# beside: there classes may differ, by what eight bits cost.
#
# usage: scripts/peer_pruned.sh BUILD_DIRECTORY        exit status 1 where it is not so
set -u
build=$1
peer=build/peer
count=300
shared=${IMCSIM_SHARED-../shared/data}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

same() { # FILE: its classes that are run's
    grep '"predictions":' "$work/json" | grep -o '[0-9]\+' | paste - "$1" | awk '$1 == $2' | wc -l
}

compare() { # NAME IMAGES
    local model=$work/$1.onnx
    if [ ! -r "$2" ] || [ ! -r "$shared/$1/$1.onnx" ]; then
        echo "$1: skipped, no images or no model"
        return
    fi
    echo "$1, pruned: $("$build"/test/tools/prune "$shared/$1/$1.onnx" "$work/pruned.onnx")"
    "$build"/imcsim import "$work/pruned.onnx" --images "$2" --count $count --log-level error \
        -o "$model" --format csv --table classes >"$work/import" || status=1
    "$build"/imcsim run "configs/$1.yaml" --set network.onnx="$model" --images "$2" \
        --count $count --log-level error --json "$work/json" >/dev/null || status=1
    node bench/onnxruntime.js "$peer" classes "$model" "$2" $count disabled >"$work/theirs" ||
        status=1
    node bench/onnxruntime.js "$peer" classes "$work/pruned.onnx" "$2" $count disabled \
        >"$work/float" || status=1
    local imported ran
    imported=$(awk -F, '$1 == "quantised" { print $3 }' "$work/import")
    ran=$(sed -n 's/^ *"correct": *\([0-9]*\),$/\1/p' "$work/json")
    echo "  right answers of $count: $imported by import, $ran by run"
    echo "  the same class by ONNX Runtime, optimisations disabled: $(same "$work/theirs") of $count"
    echo "  the same class by ONNX Runtime of the float file: $(same "$work/float") of $count"
    [ -n "$imported" ] && [ "$imported" = "$ran" ] && [ "$(same "$work/theirs")" = $count ] ||
        status=1
}

scripts/install_peer.sh "$peer" || exit 0
compare resnet32_fmnist /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz
compare resnet32_cifar10 "$shared/cifar10/test_batch.bin.gz"
exit $status
