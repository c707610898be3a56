#!/usr/bin/env bash
# Every combination of cell, slices of inputs, rows at once and readout whose codes are the sums gives
# the scores of the plain array, bit for bit: both trained networks, 16 images each.
#
# usage: scripts/exact_arrays.sh IMCSIM [IMAGES]            exit status 1 if one differs
set -u
imcsim=$1
images=${2:-/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
status=0 n=0

scores() { # CONFIG FILE KEY=VALUE...
    local config=$1 file=$2 set=()
    shift 2
    for key in "$@"; do set+=(--set "$key"); done
    "$imcsim" run "$config" --images "$images" --count 16 --outputs "$file" \
        --set chip.cores=65536 "${set[@]}" --table layers > /dev/null
}

cells=("cell=differential" "cell=differential core.readout.separate=yes" "cell=sram")
for c in 0 1 2 3 4 5 6 7; do cells+=("cell=sliced core.crossbar.cell_bits=$c"); done
for c in 0 1 2 3 4 5 6 7 8; do
    cells+=("cell=sliced core.crossbar.scheme=offset core.crossbar.cell_bits=$c")
done
readouts=("kind=exact" "kind=charge" "kind=adc core.readout.bits=24 core.readout.range=8388607")

for config in configs/resnet32_fmnist.yaml configs/resnet32_cifar10.yaml; do
    scores "$config" "$out/plain.npz" || exit 1
    for cell in "${cells[@]}"; do
        for slice in 1 2 3 5 8; do
            for rows in 0 1 7 100; do
                for readout in "${readouts[@]}"; do
                    keys="core.crossbar.$cell core.crossbar.input_slice_bits=$slice"
                    keys="$keys core.crossbar.rows_at_once=$rows core.readout.$readout"
                    n=$((n + 1))
                    # shellcheck disable=SC2086 # words are keys
                    scores "$config" "$out/other.npz" $keys &&
                        cmp -s "$out/plain.npz" "$out/other.npz" && continue
                    echo "FAIL  $config: $keys"
                    status=1
                done
            done
        done
    done
done
echo "$n combinations"
exit $status
