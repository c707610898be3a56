#!/usr/bin/env bash
# Installs into a directory of its own and builds a platform against what is there and nothing else.
set -eu
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT

make --no-print-directory install PREFIX="$dir" >/dev/null
cat >"$dir/main.cpp" <<'END'
#include <imc_accelerator.h>
#include <cstdio>

int sc_main(int, char **)
{
    imcsim::accelerator_cfg cfg;
    cfg.config = "configs/resnet32_fmnist.yaml";
    imcsim::imc_accelerator accelerator("accelerator", cfg);
    std::puts(accelerator.name());
    return 0;
}
END
export PKG_CONFIG_PATH=$dir/lib/pkgconfig
${CXX:-c++} -std=c++17 "$dir/main.cpp" $(pkg-config --cflags --libs imc_accelerator) -o "$dir/main"
[ "$("$dir/main" 2>/dev/null)" = accelerator ]
"$dir/bin/imcsim" --version >/dev/null
echo "install: a platform builds against the installed module"
