#!/usr/bin/env bash
# Installs into a directory of its own and builds the example platform against what is there and
# nothing else, as somebody outside this tree would; then it classifies two images.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

make --no-print-directory install PREFIX="$dir" >/dev/null
for f in classify.cpp platform.h; do
    sed 's|"tlm/imc_accelerator.h"|<imc_accelerator.h>|; s|"tlm/example/|"|' \
        "tlm/example/$f" >"$dir/$f"
done
zcat /usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz | head -c 10000 >"$dir/images"
export PKG_CONFIG_PATH=$dir/lib/pkgconfig
${CXX:-c++} -std=c++17 "$dir/classify.cpp" $(pkg-config --cflags --libs imc_accelerator) \
    -o "$dir/classify"
found=$("$dir/classify" configs/resnet32_fmnist.yaml "$dir/images" 2 2>/dev/null | grep '^image')
[ "$found" = "image 0 class 9
image 1 class 2" ] || { echo "install: the example says: $found"; exit 1; }
"$dir/bin/imcsim" --version >/dev/null
echo "install: the example platform builds against the installed module and classifies"
