#!/usr/bin/env bash
# ONNX Runtime and imcsim on the two shipped models: on how many of the first 1,000 test images both
# find the same class, and the class that the training's integer program wrote down. With
# optimisations ONNX Runtime rewrites the integer arithmetic and, where the host has AVX2 only, lets
# sums saturate at 16 bits unless told not to; so it is held to agree only without.
#
# usage: scripts/peer.sh BUILD_DIRECTORY        exit status 1 if they agree on fewer than 999
set -u
build=$1
peer=build/peer
count=1000
want=999
shared=${IMCSIM_SHARED-../shared/data}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
status=0

same() { paste "$1" "$2" | awk '$1 == $2' | wc -l; } # files with a class in each line
last_column() { sed -n "2,$((count + 1))p" "$1" | sed 's/.*,//'; }

compare() { # NAME IMAGES PREDICTIONS
    local f
    for f in "$2" "$3"; do
        if [ ! -r "$f" ]; then
            echo "$1: skipped, no $f"
            return
        fi
    done
    if ! "$build"/imcsim run "configs/$1.yaml" --images "$2" --count "$count" --log-level error \
        --json "$work/json" >/dev/null; then
        status=1
        return
    fi
    grep '"predictions":' "$work/json" | grep -o '[0-9]\+' >"$work/imcsim"
    last_column "$3" >"$work/training"
    echo "$1, first $count of $2: the same class"
    check "$(same "$work/imcsim" "$work/training")" "$count" "imcsim and the training's integers"
    local level
    for level in disabled exact all; do
        if ! node bench/onnxruntime.js "$peer" classes "models/$1.onnx" "$2" "$count" $level \
            >"$work/$level"; then
            status=1
            return
        fi
    done
    check "$(same "$work/disabled" "$work/imcsim")" $want \
        "ONNX Runtime, optimisations disabled, and imcsim"
    check "$(same "$work/exact" "$work/imcsim")" 0 \
        "ONNX Runtime, all optimisations, sums not saturated, and imcsim"
    check "$(same "$work/all" "$work/imcsim")" 0 "ONNX Runtime, all optimisations, and imcsim"
}

check() { # FOUND LEAST WHAT
    printf '  %5d  %s' "$1" "$3"
    [ "$2" -eq 0 ] || printf ' (want %d at least)' "$2"
    echo
    [ "$1" -ge "$2" ] || status=1
}

scripts/install_peer.sh "$peer" || exit 0
compare resnet32_fmnist /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz \
    test/data/resnet32_fmnist_predictions.csv
compare resnet32_cifar10 "$shared/cifar10/test_batch.bin.gz" \
    "$shared/resnet32_cifar10/resnet32_cifar10_predictions.csv"
exit $status
