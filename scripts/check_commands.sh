#!/usr/bin/env bash
# Runs every command line of README.md, docs/ and the help texts, as it stands there, in a temporary
# directory that has what the text takes for granted: the tree's configs and models, a float model
# and one of the zoo, both small, images under the name IMAGES, event recordings under RECORDINGS, a
# spiking network for them, NETWORK.nir. Prints what it does as a cmocka
# program.
#
# A command line is one of an indented block, its lines joined at \, that begins with imcsim or
# build/imcsim; and text between backticks that does, of at least two words. Where a block behind it
# in the section begins with "imcsim: ", that is its refusal, to the letter.
#
# usage: scripts/check_commands.sh BUILD_DIRECTORY [list]        list: prints them all and ends
set -u
export LC_ALL=C
tree=$PWD
build=$(realpath "$1")

# What is not run, and why: a pattern of awk and a reason, a line each.
skipped='
[[:space:]]DIR$       the article; test_article computes it
article               the article; test_article computes it
:ID                   the id of a point that the reader has
sweep.drift           a minute of images on analog chips
sweep.vit_drift       minutes of that
drift[.]db            of that
devices[.]db          minutes of images on analog chips
tokens[.]npy          a sequence that the reader has
ids[.]npy             likewise, of ids
[.][.]$               shortened
'

commands_of_docs() {
    for f in README.md docs/*.md docs/models/*.md; do
        awk '
            function give() {
                if (text != "")
                    print FILENAME "\t" text "\t" refusal
                text = refusal = ""
            }
            going || /^    (build\/)?imcsim [a-z]/ {
                line = $0
                sub(/^ +/, "", line)
                sub(/  +#.*/, "", line)
                if (!going)
                    give()
                text = going ? text " " line : line
                going = text ~ /\\$/
                sub(/ *\\$/, "", text)
                next
            }
            /^    imcsim: / && refusal == "" { refusal = substr($0, 5) }
            /^#/ { give() }
            END { give() }' "$f"
        awk -v RS= '
            {
                gsub(/\n */, " ")
                n = split($0, part, "`")
                for (i = 2; i <= n; i += 2)
                    if (part[i] ~ /^(build\/)?imcsim [a-z]+ [^ -]/)
                        print FILENAME "\t" part[i]
            }' "$f"
    done
}

commands_of_help() {
    for topic in '' run map compare breakdown circuit article import fabric sweep report \
                 config device chip; do
        "$build/imcsim" help $topic | awk -v from="help $topic" '
            going || /^  imcsim [a-z]+ [^ ]/ {
                line = $0
                sub(/^ +/, "", line)
                text = going ? text " " line : line
                going = text ~ /\\$/
                sub(/ *\\$/, "", text)
                if (!going && text !~ /^imcsim [a-z]+ \[/) {
                    sub(/   +[a-z].*/, "", text) # what it does, in a column of its own
                    print from "\t" text
                }
            }'
    done
}

all=$(commands_of_docs; commands_of_help)
if [ "${2-}" = list ]; then
    printf '%s\n' "$all"
    exit 0
fi

dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
mkdir -p "$dir/build/zoo" "$dir/bin"
ln -s "$tree/configs" "$tree/models" "$dir"
ln -s "$build/imcsim" "$dir/build/imcsim"
ln -s "$build/imcsim" "$dir/bin/imcsim"
[ -e "$build/libimcsim_systemc.so" ] && ln -s "$build/libimcsim_systemc.so" "$dir/build"
cd "$dir" || exit 1
export PATH=$dir/bin:$PATH IMCSIM_DATA=$tree
for f in CONFIG mine plain column block copies; do cp -L configs/resnet32.yaml "$f.yaml"; done
mv CONFIG.yaml CONFIG
cp -r "$tree/test/data/images/classes" IMAGES
cp -r "$tree/test/data/events/recordings" RECORDINGS
cp "$tree/test/data/events/small.nir" NETWORK.nir
zoo="$build/test/tools/write_zoo --size 32 --thin 8 --classes 10 --out ." # smaller than make zoo
$zoo --form float resnet18 && $zoo --form qdq resnet50 || exit 1
mv resnet18_*_float.onnx float.onnx
cp float.onnx model.onnx
mv resnet50_*_qdq.onnx build/zoo/resnet50_224_qdq.onnx

reason() { # COMMAND: why it is skipped, or nothing
    printf '%s\n' "$skipped" | while read -r pattern why; do
        [ -n "$pattern" ] && [[ $1 =~ $pattern ]] && { echo "$why"; return; }
    done
    for tool in $(grep -oE '\| *[a-z0-9]+' <<<"$1" | tr -d '| '); do
        command -v "$tool" >/dev/null || { echo "there is no $tool here"; return; }
    done
}

n=0 failed=0
while IFS=$'\t' read -r from command refusal; do
    n=$((n + 1))
    echo "[ RUN      ] $from: $command"
    why=$(reason "$command")
    if [ -n "$why" ]; then
        echo "$why"
        echo "[  SKIPPED ] $command"
        continue
    fi
    run=$command
    # All 10,000 images take half a minute, 240,000 clocks of a mesh seconds: fewer show as much.
    case $run in
    *t10k-images*) run="$run --count 3" ;;
    *'imcsim fabric'*'--rate '*) run="$run --warm-up 500 --clocks 2500" ;;
    esac
    timeout 120 bash -o pipefail -c "$run" >out 2>err </dev/null
    status=$?
    if [ -n "$refusal" ] && [ "$status" = 2 ] && [ "$(cat err)" = "$refusal" ]; then
        echo "[       OK ] $command"
    elif [ -z "$refusal" ] && [ "$status" = 0 ]; then
        echo "[       OK ] $command"
    else
        failed=$((failed + 1))
        tail -n 3 err
        echo "[  FAILED  ] $command"
    fi
done < <(printf '%s\n' "$all" | awk -F'\t' '!seen[$2]++')
[ "$n" -gt 40 ] || { echo "only $n commands were found"; exit 1; }
exit $((failed > 0))
