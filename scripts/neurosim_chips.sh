#!/bin/sh
# Prices three networks on composed chips and prints them beside what NeuroSim V1.4 says of its own.
# usage: scripts/neurosim_chips.sh [IMCSIM]
set -eu
cd "$(dirname "$0")/.."
imcsim=${1:-build/imcsim}
out=$(mktemp)
trap 'rm -f "$out"' EXIT

# configuration, then of the program: converters and cells, accumulation, all else in uJ, area in mm2
while read -r name converters accumulation other area; do
    "$imcsim" breakdown "configs/$name.yaml" --table blocks --format csv > "$out"
    awk -F, -v name="$name" -v c="$converters" -v a="$accumulation" -v o="$other" -v mm2="$area" '
        NR > 1 { uj[$1] = $4 / 1e3; um2[$1] = $7 }
        END {
            array = uj["crossbar"] + uj["adc"]
            rest = uj["input_drivers"] + uj["input_memory"] + uj["links"]
            printf "%s\n", name
            printf "  %-34s %10s %10s\n", "uJ an image", "NeuroSim", "ours"
            printf "  %-34s %10.2f %10.2f\n", "converters and crossbar", c, array
            printf "  %-34s %10.2f %10.2f\n", "accumulation; digital processor", a, uj["digital"]
            printf "  %-34s %10.2f %10.2f\n", "drivers, memories, links", o, rest
            printf "  %-34s %10s %10.2f\n", "controller and clock", "none",
                   uj["dataflow_controller"] + uj["clock"]
            printf "  %-34s %10.2f %10.2f\n", "total", c + a + o, uj["total"]
            printf "  %-34s %10.1f %10.1f\n", "area, mm2", mm2, um2["total"] / 1e6
            printf "  %-34s %10s %10.1f\n\n", "of it links", "", um2["links"] / 1e6
        }' "$out"
done <<'END'
neurosim_vgg8_22nm 18.3 3.82 11.8 358
neurosim_vgg8_7nm 9.5 1.27 3.58 19.6
neurosim_resnet32_22nm 13.4 2.89 4.89 43.8
END
