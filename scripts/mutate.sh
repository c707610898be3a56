#!/usr/bin/env bash
# Breaks one line at a time in a copy of the tree and runs the tests that should see it. Each broken
# line must be caught by a test that fails, not by one that hangs or a crash.
#
# usage: scripts/mutate.sh [WORD]      of the list below, the lines that hold WORD; exit status 1
#                                      when one escapes. CC, JOBS as for make; SECONDS_EACH of a test
set -u
jobs=${JOBS:-$(nproc)} seconds=${SECONDS_EACH:-300} status=0
copy=$(mktemp -d) && trap 'rm -rf "$copy"' EXIT
git ls-files -z | xargs -0 cp --parents -t "$copy" && cd "$copy" || exit 1

# file | what sed -E does | tests that should fail, the likeliest first
list() {
    cat <<'LIST'
dataflow/plan/rules.h|s/ready <= run->timestep && firing/ready < run->timestep \&\& firing/|dry_run
dataflow/plan/rules.h|s/run->timestep \+ 1 : ready;/run->timestep : ready;/|dry_run
dataflow/plan/rules.h|s/next > ready \? next : ready/next < ready ? next : ready/|dry_run plan
dataflow/plan/rules.h|s/run->n == 1 && !together/run->n == 1 \&\& together/|dry_run chip
dataflow/plan/rules.h|s/after > complete \? after : complete/after < complete ? after : complete/|dry_run chip
dataflow/plan/rules.c|s/return ceil_div\(work,/return 1 + ceil_div(work,/|plan plan_refusals
dataflow/plan/rules.c|s/ceil_div\(work, machine->digital.lanes\)/work \/ machine->digital.lanes/|plan plan_refusals
dataflow/plan/rules.c|s/outputs \* pixels \* channels/(outputs + pixels) * channels/|plan plan_refusals
dataflow/plan/rules.c|s/ceil_div\((bits \* .*), clocks\)/\1 \/ clocks/|plan plan_refusals
dataflow/plan/rules.c|s/(partial_sum_bps = machine->fabric\.)partial_sum_bps/\1link_bps/|plan plan_refusals
dataflow/plan/rules.c|s/return work;/return work + 1;/|plan plan_refusals
noc/fabric.c|s/core % side, core \/ side/core \/ side, core % side/|fabric
noc/fabric.c|s/a > b \? a - b : b - a/a > b ? a - b : 0/|fabric
noc/fabric.c|s/to : from\)\.x \+ 1/to : from).x/|fabric
noc/fabric.c|s/ \+ apart\(a\.y, b\.y\)//|fabric
noc/fabric.c|s/ \+ \(product % rate_bps != 0\)//|fabric
noc/fabric.c|s/ \+ \(n % rate_bps != 0\)//|fabric
noc/fabric.c|s/clocks < UINT64_MAX \? (.*) : UINT64_MAX/\1/|fabric
noc/fabric.c|s/w->route\.hops \+ 2 \+ w->more/w->route.hops + 1/|fabric another_fabric chip
noc/point_to_point.c|s/payload == FABRIC_PIXELS/payload != FABRIC_PIXELS/|fabric plan
noc/point_to_point.c|s/link_bps, machine->hop_timesteps/link_bps, machine->partial_sum_hops/|fabric plan
noc/point_to_point.c|s/_sum_bps, machine->partial_sum_hops/_sum_bps, machine->hop_timesteps/|fabric plan
dataflow/plan/routes.c|s/max_u32\(\*hops, r->route\[i\]\.hops\)/r->route[i].hops/|fabric another_fabric
arch/core/hand_on.c|s/(place->column\) )==( to->copy)/\1!=\2/|prove chip
arch/core/hand_on.c|/value \+= \(size_t\)port->first/d|prove chip
arch/core/hand_on.c|/d\.shift \+= at;/d|chip zoo
arch/core/hand_on.c|s/l->relu \|\| layer_looks_up/l->relu \&\& layer_looks_up/|tour chip
arch/core/hand_on.c|/r->arrived = 0;/d|prove chip
arch/core/hand_on.c|s/--c->state\.pool_left > 0/--c->state.pool_left > 1/|prove chip
arch/core/hand_on.c|/memset\(c->pool, 0/d|prove chip
arch/core/hand_on.c|s/(next_sum_timestep = now->timestep) \+ 1/\1/|prove chip
arch/core/hand_on.c|s/\(now->timestep \+ hops\) \*/(now->timestep + hops + 1) */|prove chip
arch/core/store.c|s/pos_n > 0 \? 0 : port->first/pos_n > 0 ? port->first : port->first/|row_splits prove
arch/core/store.c|s/: weight \* words;/: words;/|tour chip
arch/core/store.c|s/ \+ port->first, value \+ p/, value + p/|prove chip
arch/core/read_back.c|s/min_u64\(rb->image - spec->first_image,/min_u64(rb->image - spec->first_image + 1,/|prove chip
arch/core/read_back.c|s/image <= c->state\.newest_image/image < c->state.newest_image/|prove chip
arch/core/read_back.c|s/column \* rb->who->stride\[1\]/column/|prove chip
arch/core/read_back.c|s/rb->times->n_image - 1/rb->times->n_image - 2/|prove chip
arch/core/add_sums.c|s/acc\[o\] \+= add/acc[o] = add/|prove chip
arch/core/add_sums.c|s/(partial_sum_ops \+= .*) \* out_n/\1/|tour chip
study/sweep/store.c|s/word\[0\] \* 0x13b \+ /word[0] * 0x13b - /|sweep_runs
study/sweep/store.c|s/n > 0 && n < 19 && strspn/n > 0 \&\& n < 1 \&\& strspn/|sweep_runs
study/sweep/store.c|s/application != APPLICATION/application == APPLICATION + 1/|sweep_runs
study/sweep/store.c|s/error=CASE WHEN \?8 OR error IS NULL/error=CASE WHEN ?8 OR 1/|sweep_runs
study/sweep/store.c|s/coalesce\(min\(name,\?3\),name,\?3\)/name/|sweep_runs
study/sweep/store.c|s/SQLITE_NOTADB/SQLITE_CORRUPT/|sweep_runs
study/sweep/store.c|s/enum err e = execute\(s, "COMMIT", m\);/enum err e = execute(s, "ROLLBACK", m);/|sweep_runs
study/sweep/pool.c|s/WIFSIGNALED\(status\) \? WTERMSIG\(status\) : 0/0/|sweep_runs
study/sweep/pool.c|s/memset\(mark, 0, cfg->n_mark\);/memset(mark, 1, cfg->n_mark);/|sweep_runs
study/sweep/pool.c|s/for \(uint32_t i = 1; i < w->n_piece; i\+\+\)/for (uint32_t i = 2; i < w->n_piece; i++)/|sweep_runs
study/sweep/pool.c|s/now_s\(\) - w->since_s > p->cfg.limit_s/now_s() - w->since_s > 1000/|sweep_runs
study/sweep/pool.c|s/w->in.n -= w->taken;/w->in.n -= 0;/|sweep_runs
study/sweep/pool.c|s/sigaction\(numbers\[i\], &ignore, NULL\);/;/|sweep_runs
study/sweep/rows.c|s/before = before && f != 0;/before = true;/|sweep_report
study/sweep/rows.c|s/FROM points WHERE version=\?/FROM points WHERE version>=?/|sweep_report
study/sweep/rows.c|s/ORDER BY version=\? DESC, /ORDER BY version<>? DESC, /|sweep_report
study/sweep/explore.c|s/return more \? a > b : a < b;/return more ? a >= b : a < b;/|sweep_report
study/sweep/explore.c|s/front\[left\+\+\] = i;/front[left++] = left;/|sweep_report
study/sweep/explore.c|s/return isnan\(a->number\) \? 1 : -1;/return isnan(a->number) ? -1 : 1;/|sweep_report
report/point.c|s/json_object_del\(json, "energy"\);/json_object_del(json, "chip");/|sweep_runs
report/point.c|s/price_report_release\(&w->measured.price\);/return ERR_NONE;/|sweep_runs
report/point.c|s/name_wrong\(&f->id, w->sweep, p\);/;/|sweep_runs
cli/sweep/run.c|s/f->kind == POINT_FAILED \? f->error : NULL/NULL/|sweep_runs
cli/sweep/run.c|s/return e \? e : last;/return e;/|sweep_runs
cli/cmd_report.c|s/return x->failed \? 1 : -1;/return x->failed ? -1 : 1;/|sweep_report
study/sweep/store.c|s/error=CASE WHEN excluded.error IS NULL THEN NULL/error=CASE WHEN 0 THEN NULL/|sweep_runs
cli/sweep/run.c|s/r->next \+= r->shard.n\)/r->next++)/|sweep_runs
cli/sweep/run.c|s/!r->options->retry/true/|sweep_runs
report/point.c|s/if \(whole && \*machine && images\)/if (false)/|sweep_runs
report/point.c|s/\.n_image = images.count/.n_image = 0/|sweep_runs
study/sweep/contents.c|s/if \(word\[0\] != .*/if (false)/|sweep_runs
study/sweep/contents.c|s/if \(path\)/if (false)/|sweep_runs
study/study.c|s/begin\(s, config_of_file\(&s->config, f, set, n_set, m\), m\)/begin(s, config_load(\&s->config, f->path, set, n_set, m), m)/|sweep_runs
cli/cmd_report.c|s/if \(strcmp\(r->key\[k\].name, figure_rows\[q\].key\) == 0\)/if (false)/|sweep_runs
scripts/sweep_slurm.sh|s/afterok/afterany/|sweep_runs
cli/cmd_run.c|s/own->images = wanted.set;/own->images = NULL;/|sweep_runs
LIST
}

# "caught by" a test and its first complaint, or "ESCAPED", "HANGS", "DOES NOT COMPILE"
try() { # tests
    for t; do
        make -s -j"$jobs" "build/test/unit/test_$t" >make.txt 2>&1 || { echo "DOES NOT COMPILE"; return; }
        timeout "$seconds" "build/test/unit/test_$t" >out.txt 2>&1
        case $? in
        0) continue ;;
        124) echo "HANGS test_$t"; return ;;
        esac
        if complaint=$(grep -m1 -oE '^\[ *ERROR *\] --- .*|Assertion.*failed.*' out.txt); then
            echo "caught by test_$t: $(cut -c1-70 <<<"$complaint")"
        else
            echo "CRASHES test_$t"
        fi
        return
    done
    echo "ESCAPED $*"
}

while IFS= read -r row; do
    file=${row%%|*} tests=${row##*|}
    change=${row#*|} change=${change%|*}
    cp "$file" whole
    sed -E -i "$change" "$file"
    if cmp -s "$file" whole; then
        said="NO SUCH LINE"
    else
        said=$(try $tests)
    fi
    cp whole "$file"
    echo "$file $change: $said"
    [[ $said == caught* ]] || status=1
done < <(list | grep -F -- "${1:-}")
exit $status
