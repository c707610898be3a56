#!/usr/bin/env bash
# A study as a job array of a real Slurm of one node, which this starts for itself in a temporary
# directory and ends again: its joined table is that of the study run here. Says why it is skipped
# where there is no Slurm, or where it may not be started.
#
# usage: scripts/check_slurm.sh build/imcsim        exit status 1 if the tables differ
set -u
imcsim=$(realpath "${1:?usage: scripts/check_slurm.sh build/imcsim}")
here=$(dirname "$(realpath "$0")")
skip() { echo "check_slurm: skipped: $1"; exit 0; }

for tool in munged slurmctld slurmd sbatch; do
    command -v "$tool" >/dev/null || PATH=$PATH:/usr/sbin command -v "$tool" >/dev/null ||
        skip "there is no $tool (Debian: slurmctld slurmd slurm-client munge)"
done
[ "$(id -u)" = 0 ] || skip "a Slurm of its own is root's to start"
pgrep -x slurmctld >/dev/null && skip "a Slurm runs here already"

dir=$(mktemp -d)
export PATH=$PATH:/usr/sbin SLURM_CONF=$dir/slurm.conf
ended() { pkill -F "$dir/slurmd.pid"; pkill -F "$dir/slurmctld.pid"; pkill -F "$dir/munged.pid"
          sleep 1; rm -rf "$dir"; } 2>/dev/null
trap ended EXIT
chmod 755 "$dir"
mkdir "$dir/state" "$dir/spool"
head -c 64 /dev/urandom >"$dir/key"
chmod 600 "$dir/key"
node=$(hostname -s)
cat >"$SLURM_CONF" <<CONF
ClusterName=imcsim
SlurmctldHost=$node(127.0.0.1)
SlurmUser=root
AuthType=auth/munge
AuthInfo=socket=$dir/munge.socket
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
JobAcctGatherType=jobacct_gather/none
SelectType=select/cons_tres
SlurmctldPidFile=$dir/slurmctld.pid
SlurmdPidFile=$dir/slurmd.pid
SlurmctldLogFile=$dir/slurmctld.log
SlurmdLogFile=$dir/slurmd.log
StateSaveLocation=$dir/state
SlurmdSpoolDir=$dir/spool
MailProg=/bin/true
NodeName=$node NodeAddr=127.0.0.1 CPUs=$(nproc) State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=10 State=UP
CONF
munged --force --key-file="$dir/key" --socket="$dir/munge.socket" --pid-file="$dir/munged.pid" \
    --log-file="$dir/munged.log" --seed-file="$dir/seed" >"$dir/said" 2>&1 ||
    skip "munged does not start here: $(tail -n 1 "$dir/said")"
slurmctld >"$dir/said" 2>&1 || skip "slurmctld does not start here: $(tail -n 1 "$dir/said")"
slurmd >"$dir/said" 2>&1 || skip "slurmd does not start here: $(tail -n 1 "$dir/said")"
for ((i = 0; i < 30; i++)); do
    sinfo -h -o %t 2>/dev/null | grep -q idle && break
    sleep 1
done
sinfo -h -o %t 2>/dev/null | grep -q idle || skip "its node does not come up: $(tail -n 1 "$dir/slurmd.log")"

cd "$dir" || exit 1
printf 'base: resnet32\nvary: {batch: [1, 2, 3], fabric.link_gbps: [5, 10, 1]}\n' >study.yaml
"$imcsim" sweep study.yaml --db whole.db >/dev/null 2>&1
IMCSIM=$imcsim "$here/sweep_slurm.sh" study.yaml 3 joined.db >ids || exit 1
for ((i = 0; i < 120; i++)); do
    [ -z "$(squeue -h 2>/dev/null)" ] && break
    sleep 1
done
table() { "$imcsim" report "$1" --table points --format csv 2>/dev/null | sort; }
if [ -s joined.db ] && [ "$(table joined.db)" = "$(table whole.db)" ]; then
    echo "check_slurm: $(table joined.db | wc -l) lines of 3 tasks equal those of one run"
    exit 0
fi
echo "check_slurm: the joined table is not that of one run"
tail -n 3 slurm-*.out
exit 1
