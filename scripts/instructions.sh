#!/usr/bin/env bash
# Counts the instructions of typical commands with callgrind, phase by phase, as a Markdown table.
# Valgrind knows no AVX-512, so that kernels take their AVX2 path. Counts hardly depend on the host.
#
# usage: scripts/instructions.sh IMCSIM [TREE [BEFORE]]
#   TREE    holds configs/ (here); run it for two builds to see what a change costs
#   BEFORE  a file with such a table, docs/validation.md: prints how each command has changed
set -u
imcsim=$(realpath "$1")
cd "${2:-.}" || exit 2
images=/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz
out=$(mktemp)
trap 'rm -f "$out"' EXIT

count() { # command and its options
    if ! valgrind --tool=callgrind --callgrind-out-file="$out" "$imcsim" "$@" >/dev/null 2>&1; then
        echo "| $* | failed |"
        return
    fi
    callgrind_annotate --inclusive=yes --threshold=100 "$out" | awk -v what="$*" '
        function take(name) { if (!(name in of) || $1 > of[name]) of[name] = $1 }
        { n = $1; gsub(",", "", n); $1 = n + 0 }
        /PROGRAM TOTALS/ { all = $1 }
        /:mapping_resolve( |$)/ { take("mapper") }
        /:plan_make( |$)/ { take("plan") }
        /:kernel_run( |$)/ { take("chip") }
        END { sub("/usr/share/.*images-idx3-ubyte.gz", "IMAGES", what)
              printf "| `%s` | %.1f | %.1f | %.1f | %.1f |\n", what, all / 1e6, of["mapper"] / 1e6,
                     of["plan"] / 1e6, of["chip"] / 1e6 }'
}

table() {
    echo "| million instructions | all | mapper | plan | chip |"
    echo "|---|---|---|---|---|"
    count run configs/resnet32.yaml
    count run configs/resnet32.yaml --set network.depth=20
    count run configs/resnet32.yaml --set network.depth=56 --set chip.cores=80
    count run configs/resnet32.yaml --count 20
    count run configs/resnet32_speedup.yaml
    count run configs/resnet32.yaml --set clocking.kind=elastic --count 1
    count run configs/resnet32.yaml --set clocking.kind=elastic --count 1 \
          --set core.crossbar.mvm_ns=100000
    count run configs/resnet32.yaml --set clocking.kind=elastic --count 50
    count map configs/resnet32.yaml
    count map configs/resnet32.yaml --set network.depth=8 --set chip.cores=20 \
          --set mapping.optimize=interval
    count compare configs/resnet32.yaml configs/resnet32_speedup.yaml
    count breakdown configs/dazzi2021_14nm.yaml
    count run configs/resnet32_fmnist.yaml --count 2 --images "$images"
}

changes() { # since the table in a file
    awk -F'|' 'FNR == NR { if ($2 ~ /`/) before[$2] = $3; next }
               before[$2] > 0 { printf "%s: %.1f -> %.1f million instructions (%+.1f %%)\n", $2,
                                       before[$2], $3, 100 * ($3 / before[$2] - 1) }' "$1" -
}

if [ -n "${3-}" ]; then
    table | changes "$3"
else
    table
fi
