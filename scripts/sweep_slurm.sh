#!/usr/bin/env bash
# A study as a job array of Slurm: each task runs a shard of its points into DB.I, and one more job,
# behind them all, joins these into DB. Given again, each goes on where it was.
#
# usage: scripts/sweep_slurm.sh STUDY N [DB]       N tasks; prints the ids of the two jobs
#        IMCSIM (imcsim), CPUS of a task (1), SBATCH_OPTIONS such as "--partition=short --time=60"
set -eu
usage="usage: scripts/sweep_slurm.sh STUDY N [DB]"
study=${1:?$usage} n=${2:?$usage}
name=${study##*/}
db=${3:-${name%.yaml}.db}
imcsim=${IMCSIM:-imcsim} cpus=${CPUS:-1}

quote() { printf '%q ' "$@"; }

fail() { echo "sweep_slurm: $1" >&2; exit 2; }

command -v sbatch >/dev/null || fail "there is no sbatch here: want Slurm"
[[ $n =~ ^[1-9][0-9]*$ ]] || fail "N = $n: want a whole number from 1"

parts=()
for ((i = 1; i <= n; i++)); do
    parts+=("$db.$i")
done
part=$(quote "$db.")
run="$(quote "$imcsim" sweep "$study" --jobs "$cpus")--shard \$SLURM_ARRAY_TASK_ID/$n"
run+=" --db ${part% }\$SLURM_ARRAY_TASK_ID"
submit() { sbatch --parsable ${SBATCH_OPTIONS:-} "$@"; }
array=$(submit --job-name=imcsim --array="1-$n" --cpus-per-task="$cpus" --wrap "$run")
join=$(submit --job-name=imcsim-join --dependency="afterok:${array%%;*}" --wrap \
       "$(quote "$imcsim" sweep --merge "${parts[@]}" --db "$db")")
echo "$array $join"
