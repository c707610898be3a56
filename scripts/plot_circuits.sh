#!/bin/sh
# usage: scripts/plot_circuits.sh  (in the project's directory, after make)
# Draws docs/models/*.svg: each circuit over nodes or sizes, as `imcsim circuit` computes it.
set -e
imcsim=${IMCSIM:-build/imcsim}
out=docs/models
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
nodes='130 90 65 45 32 22 14 10 7'

# rows FILE CIRCUIT ROW SET...: appends "x area delay energy leakage" of a circuit's row
rows() {
    file=$1 circuit=$2 row=$3 x=$4
    shift 4
    sets=''
    for s in "$@"; do sets="$sets --set $s"; done
    # shellcheck disable=SC2086
    "$imcsim" circuit "$circuit" $sets --set calibration=none --log-level error --csv - |
        awk -F, -v row="$row" -v x="$x" \
            '{ gsub(/"[^"]*"/, "quoted") } NR == row + 1 { print x, $2, $3 + 0, $4, $5 }' >>"$file"
}

over_nodes() { # NAME CIRCUIT ROW SET...
    name=$1 circuit=$2 row=$3
    shift 3
    for n in $nodes; do rows "$tmp/$name" "$circuit" "$row" "$n" technology="${n}nm_lp" "$@"; done
}

plot() { # NAME TITLE XLABEL LOGX
    gnuplot <<GP
set terminal svg size 640,400 font "sans,11"
set output "$out/$1.svg"
set title "$2"
set xlabel "$3"
set logscale y
set format y "10^{%T}"
$4
set key outside right
set grid
plot "$tmp/$1" using 1:2 with linespoints title "area (um2)", \
     "" using 1:(\$3 > 0 ? \$3 : 1/0) with linespoints title "delay (ns)", \
     "" using 1:(\$4 > 0 ? \$4 : 1/0) with linespoints title "energy (pJ)", \
     "" using 1:(\$5 > 0 ? \$5 : 1/0) with linespoints title "leakage (uW)"
GP
}

node_axis='set logscale x; set xrange [6:150]; set xtics (130,90,65,45,32,22,14,10,7)'

over_nodes adder adder 1 bits=8
plot adder "8-bit adder, all gates switching" "node (nm)" "$node_axis"
over_nodes dff dff 1
plot dff "flip-flop" "node (nm)" "$node_axis"
over_nodes comparator max_pool 1
plot comparator "maximum of four 8-bit values" "node (nm)" "$node_axis"
over_nodes sram sram 3 words=512 word_bits=128
plot sram "complete SRAM of 8 KB, reading a word of 128 bit" "node (nm)" "$node_axis"
over_nodes wire wire 1
plot wire "1 mm of repeated wire, a bit that toggles" "node (nm)" "$node_axis"
over_nodes gate gate 1 kind=1
plot gate "NAND2 of the smallest transistors, a switching output" "node (nm)" "$node_axis"
over_nodes driver driver 1
plot driver "inverter of 8 times the smallest transistors, load 10 fF" "node (nm)" "$node_axis"
over_nodes shift_add shift_add 1
plot shift_add "32 shift-and-add units of 5 bit" "node (nm)" "$node_axis"
over_nodes accumulator accumulator 1
plot accumulator "32 accumulators of 5 bit" "node (nm)" "$node_axis"
over_nodes register_file register_file 1
plot register_file "register file of 16 kb, reading 128 bit" "node (nm)" "$node_axis"
over_nodes mux mux 1
plot mux "column multiplexer, 256 to 32 columns" "node (nm)" "$node_axis"
over_nodes level_shifter level_shifter 1
plot level_shifter "level shifter, up to 2 V and down" "node (nm)" "$node_axis"
over_nodes pulse_driver pulse_driver 1
plot pulse_driver "pulse-width driver, a pulse of half the length" "node (nm)" "$node_axis"
over_nodes sense_amplifier sense_amplifier 1
plot sense_amplifier "current-mode sense amplifier" "node (nm)" "$node_axis"
over_nodes h_tree h_tree 1
plot h_tree "H-tree to 4 x 4 leaves of 0.1 mm, a bit" "node (nm)" "$node_axis"
over_nodes digital core 6
plot digital "digital processor of 64 lanes, scaling an output" "node (nm)" "$node_axis"
over_nodes controller core 11
plot controller "dataflow controller, registers, a clock" "node (nm)" "$node_axis"
for b in 2 3 4 5 6 7 8 9 10 11 12; do
    rows "$tmp/decoder" decoder 1 $b bits=$b
done
plot decoder "row decoder at 22 nm" "address bits" ""
for b in 1 2 3 4 5 6 7 8 9 10 11 12; do
    rows "$tmp/sar_adc" sar_adc 1 $b bits=$b
    rows "$tmp/cco_adc" cco_adc 1 $b bits=$b
    rows "$tmp/flash_adc" sub_array 6 $b levels=$((1 << b))
done
plot sar_adc "SAR converter at 22 nm" "bits" ""
plot cco_adc "oscillator and counter at 22 nm" "bits" ""
plot flash_adc "32 flash converters at 22 nm digitising 256 columns" "bits" ""
for n in 64 128 256 512 1024; do
    rows "$tmp/sub_array" sub_array 13 $n rows=$n columns=$n
    rows "$tmp/switches" sub_array 2 $n rows=$n columns=$n
done
plot sub_array "PCM sub-array at 22 nm, one input bit" "rows and columns" "set logscale x 2"
plot switches "row switches of that sub-array" "rows and columns" "set logscale x 2"
