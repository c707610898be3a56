#!/usr/bin/env bash
# ngspice 39.3 (Debian 12): TRNOISE(1m 1n 0 0) draws a normal number of 1 mV every nanosecond and goes from one to the next in a
# straight line, so that the voltage a circuit sees is sqrt(2/3) of that, 0.82 mV, over all times, and 0.7 mV half way
# between two draws. A transient noise that stands for a converter's 1 mV rms is 18 % too weak, except for a reader that
# samples just where the source draws.
. "$(dirname "$0")/tools/setup.sh"
debian ngspice=39.3+ds-1

cat >noise.cir <<'CIR'
* white noise of 1 mV
.option seed=7
V1 n 0 dc 0 trnoise(1m 1n 0 0)
R1 n 0 1k
.tran 0.05n 10u 0 0.05n
.control
run
linearize v(n)
wrdata noise.txt v(n)
.endc
.end
CIR
ngspice -b noise.cir >out.txt 2>&1 || true # 1 for want of a .print line, though all ran
rms() { # PHASE in twentieths of a nanosecond, or "all"
    awk -v phase="$1" '{ k = int($1 / 5e-11 + 0.5) } phase == "all" || k % 20 == phase { sum += $2 * $2; n++ }
        END { printf "%.1f", 1e3 * sqrt(sum / n) }' noise.txt
}
rms 0 | expect "mV rms where it draws" "1.0"
rms 10 | expect "half way" "0.7"
rms all | expect "at all times" "0.8"
