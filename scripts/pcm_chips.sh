#!/bin/sh
# ResNet-32 of CIFAR-10 on ten chips of PCM (V. Joshi et al. 2020) at five times: raw, drift
# compensated, recalibrated; beside what was worked out apart.
# usage: scripts/pcm_chips.sh IMAGES [IMCSIM [JOBS]]    IMAGES: CIFAR-10's test_batch.bin, or .gz
set -eu
cd "$(dirname "$0")/.."
images=${1:?usage: scripts/pcm_chips.sh IMAGES [IMCSIM [JOBS]]}
imcsim=${2:-build/imcsim}
jobs=${3:-1}
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT

chips() { # NAME KEY=VALUE...
    name=$1
    shift
    set -- "$@" core.crossbar.device=pcm_joshi analog.read_noise=frozen
    for key; do
        set -- "$@" --set "$key"
        shift
    done
    "$imcsim" run configs/resnet32_cifar10.yaml --count 500 --jobs "$jobs" --images "$images" \
        --table analog --format csv --json "$out/$name.json" "$@" > "$out/$name.csv"
    awk -F, 'NR > 1 { print $1, 100 * $3, 100 * $4 }' "$out/$name.csv" > "$out/$name"
}

chips raw
chips compensated analog.compensation=core
chips recalibrated analog.compensation=core analog.batchnorm_images=64 calibration.first=9000

sed -n 's/^ *"top1": \([0-9.]*\).*/\1/p' "$out/raw.json" | awk '
    { printf "exact weights: %.2f %% of the same 500 images", 100 * $1
      printf " (88.2 worked out apart)\n\n" }'
paste "$out/raw" "$out/compensated" "$out/recalibrated" | awk '
    BEGIN { printf "%12s  %15s  %15s  %15s   (mean top-1, deviation of a chip, %%)\n",
                   "time, s", "raw", "compensated", "recalibrated" }
    { printf "%12d  %8.2f (%4.2f)  %8.2f (%4.2f)  %8.2f (%4.2f)\n", $1, $2, $3, $5, $6, $8, $9
      if ($1 >= 3600) ordered += $2 < $5 && $5 < $8; else early++
      if ($1 == 86400) { raw = $2; compensated = $5; recalibrated = $8 } }
    END {
        printf "\n%-44s %-18s %s\n", "worked out apart", "ours", "within"
        line("at a day, raw: chance", percent(raw), raw < 12)
        line("at a day, compensated: 84 +- 2", percent(compensated),
             compensated >= 82 && compensated <= 86)
        line("at a day, recalibrated: 87 +- 1", percent(recalibrated),
             recalibrated >= 86 && recalibrated <= 88)
        line("from an hour on raw < compensated < rec.", ordered " of " NR - early " times",
             ordered == NR - early)
        exit bad
    }
    function percent(value) { return sprintf("%.2f %%", value) }
    function line(what, value, good) {
        printf "%-44s %-18s %s\n", what, value, good ? "yes" : "NO"
        bad += !good
    }'
