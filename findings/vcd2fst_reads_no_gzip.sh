#!/usr/bin/env bash
# GTKWave 3.3.118 (Debian 12): vcd2fst takes a gzip-compressed VCD without complaint, ends with status 0 and
# writes a file of a few hundred bytes that fst2vcd cannot open. `zcat t.vcd.gz | vcd2fst - t.fst` is what works.
. "$(dirname "$0")/tools/setup.sh"
debian gtkwave=3.3.118-0.1~deb12u1

cat >t.vcd <<'VCD'
$timescale 1ns $end
$scope module core $end
$var wire 8 ! sum $end
$upscope $end
$enddefinitions $end
#0
b101 !
#5
b111 !
VCD
gzip -k t.vcd
status=0
vcd2fst t.vcd.gz whole.fst >out.txt 2>&1 || status=$?
echo "$status, $(wc -l <out.txt) lines printed" | expect "vcd2fst of t.vcd.gz" "0, 0 lines printed"
{ fst2vcd whole.fst 2>&1 || true; } | head -n 1 | expect "its result" "Could not open 'whole.fst', exiting."
zcat t.vcd.gz | vcd2fst - piped.fst
fst2vcd piped.fst 2>/dev/null | grep -c '^b00000111' | expect "changes to 7 through the pipe" 1
