#!/usr/bin/env bash
# Tries every ONNX file of a folder, as a user would: a quantised one runs, a float one is imported
# on images of random pixels, with random weights where the file has none, and what import wrote
# runs; both for timing and price, and then with the values of four such images. Where the machine
# is too small, the cure that the error names is applied, four at most. A table with a line for
# each: whether it ran so, after which cures, and what the error says where it did not.
#
# usage: scripts/try_models.sh FOLDER [CONFIG]     IMCSIM: the command (build/imcsim)
#        LIMIT: seconds of a processor that each command may take (300)
set -u
folder=${1:?usage: scripts/try_models.sh FOLDER [CONFIG]}
config=${2:-configs/imagenet.yaml}
imcsim=${IMCSIM:-build/imcsim}
limit=${LIMIT:-300}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ran=0 computed=0 all=0

limited() { # COMMAND [ARGUMENT...]
    if ! (ulimit -t "$limit" && exec "$@") >"$work/out" 2>"$work/err"; then
        [ -s "$work/err" ] || echo "more than $limit s of a processor" >"$work/err"
        return 1
    fi
}

# "digital_core.lanes=167" of "want digital_core.lanes = 167", an "or" behind it or not, and of
# "digital_core.lanes = 64: want 167".
cure() {
    sed -n -e 's/.*: want \([a-z_]*\.[a-z_.]*\) = \([0-9.]*[0-9]\)\(, or .*\)\?$/\1=\2/p' \
        -e 's/.* \([a-z_]*\.[a-z_.]*\) = [0-9.]*: want \([0-9.]*[0-9]\)$/\1=\2/p' "$work/err"
}

run() { # MODEL [OPTION...]
    local model=$1 key
    shift
    until limited "$imcsim" run "$config" --set network.onnx="$model" "${cures[@]}" "$@" \
        --log-level error; do
        key=$(cure)
        [ -n "$key" ] && [ ${#cures[@]} -lt 8 ] || return 1
        cures+=(--set "$key")
    done
}

values() { # MODEL
    run "$1" --images random --count 4
}

reason() { grep -v ' note: ' "$work/err" | tail -n 1 | sed "s|^imcsim: ||; s|$folder/||g"; }

import() { # MODEL [OPTION...]
    limited "$imcsim" import "$@" --images random -o "$work/int8.onnx" --calibrate 4 \
        --log-level error
}

try() { # MODEL
    if import "$1" ||
        { grep -q -e '--random-weights SEED$' "$work/err" && import "$1" --random-weights 1; }; then
        how="imported" quantised=$work/int8.onnx
        run "$quantised"
    elif grep -q 'is quantised already' "$work/err"; then
        how="quantised" quantised=$1
        run "$quantised"
    else
        false
    fi
}

for model in "$folder"/*.onnx; do
    all=$((all + 1)) cures=()
    if try "$model"; then
        ran=$((ran + 1))
        if values "$quantised"; then
            computed=$((computed + 1))
            printf '%-9s  %s%s\n' "$how" "$(basename "$model")" "${cures[*]:+ ${cures[*]}}"
        else
            printf '%-9s  %s\n           without values: %s\n' "$how" "$(basename "$model")" \
                "$(reason)"
        fi
    else
        printf 'refused    %s\n           %s\n' "$(basename "$model")" "$(reason)"
    fi
done
echo "$ran of $all files import and run, $computed of them with values"
