/* cli/cmd_sweep.c -- imcsim sweep: the points of a study, listed or run. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "cli/signals.h"
#include "cli/sweep/db.h"
#include "cli/sweep/run.h"
#include "cli/word.h"
#include "study/sweep/link.h"
#include "study/sweep/points.h"

static void print_word(const char *word)
{
    char *text = shell_word(word);

    fputs(text ? text : word, stdout);
    free(text);
}

static void print_point(const struct sweep *s, const struct point *p)
{
    fputs("imcsim run ", stdout);
    print_word(s->base);
    for (size_t i = 0; i < p->n_set; i++) {
        fputs(" --set ", stdout);
        print_word(p->set[i]);
    }
    if (p->name)
        printf(" # %s", p->name);
    putchar('\n');
}

static enum err list_points(const struct sweep *s, struct err_msg *m)
{
    uint64_t n_kept = 0;
    struct point p;

    for (uint64_t i = 0; i < s->n_point; i++) {
        bool kept;
        sweep_point(s, i, &p);
        enum err e = sweep_keeps(s, &p, &kept, m);
        if (e)
            return e;
        if (!kept)
            continue;
        n_kept++;
        print_point(s, &p);
    }
    printf("# %" PRIu64 " points: %" PRIu64 " of the grid, %zu with a name, less %" PRIu64
           " that where drops\n", n_kept, s->n_grid, s->n_named, s->n_point - n_kept);
    return ERR_NONE;
}

static enum err run_points(const struct options *o, struct err_msg *m)
{
    struct link link;
    struct sweep s = { .n_axis = 0 };
    enum err e = link_open(&link, m);

    if (e)
        return e;
    if (link.rank > 0) // rank 0 alone says how it ended
        signals_keep();
    e = sweep_load(&s, o->operand, m);
    if (e)
        sweep_give_up(&link);
    else
        e = sweep_run(&s, o, &link, m);
    sweep_release(&s);
    return e;
}

static enum err dry_run(const struct options *o, struct err_msg *m)
{
    struct sweep s;
    enum err e = sweep_load(&s, o->operand, m);

    if (!e)
        e = list_points(&s, m);
    sweep_release(&s);
    return e;
}

static enum err cmd_sweep(const struct options *o, struct err_msg *m)
{
    static const char *const names[] = { "dry-run", "status", "merge", "retry", "shard" };
    const bool asked[] = { o->dry_run, o->status, o->merge, o->retry, o->shard != NULL };
    enum { ALONE = 3, N = sizeof asked / sizeof *asked }; // the first ones run no points

    for (int i = 0; i < ALONE; i++)
        for (int other = i + 1; other < N; other++)
            if (asked[i] && asked[other])
                return err_set(m, ERR_INPUT, "sweep: --%s beside --%s: want one of them",
                               names[other], names[i]);
    if (o->merge)
        return sweep_merge(o, m);
    if (o->n_operand > 1)
        return err_set(m, ERR_INPUT, "sweep: two operands, %.200s and %.200s: want one STUDY, or "
                       "--merge", o->operands[0], o->operands[1]);
    return o->status ? sweep_status(o, m) : o->dry_run ? dry_run(o, m) : run_points(o, m);
}

const struct command command_sweep = {
    .name = "sweep",
    .operand = "STUDY...",
    .summary = "runs the points of a study, or lists them: grids, ranges, samples",
    .help = "A study (YAML) names a base configuration and what varies; docs/studies.md has all\n"
            "of its keys. Its points are run by --jobs processes into a database (SQLite), where\n"
            "each is a row with the keys that vary, its figures and its whole result, or the\n"
            "reason why it failed. What is there already is not run again: a study that was\n"
            "ended goes on, and one that was changed runs what is new. --retry runs points that\n"
            "failed once more. --dry-run prints a command for each point, and how many there are;\n"
            "--status, of a database, how far its study is, also while it runs.\n"
            "\n"
            "On several machines, mpirun starts as many as it is told to, and the first keeps the\n"
            "database (MPI is there where mpicc was when this was built); or --shard runs a part\n"
            "of the points and --merge joins the databases.\n"
            "\n"
            "  imcsim sweep configs/studies/arrays.yaml --jobs 2\n"
            "  imcsim sweep configs/studies/arrays.yaml --dry-run\n"
            "  imcsim sweep --status arrays.db\n"
            "  mpirun -n 4 imcsim sweep configs/studies/arrays.yaml\n"
            "  imcsim sweep configs/studies/arrays.yaml --shard 1/2 --db a.db\n"
            "  imcsim sweep configs/studies/arrays.yaml --shard 2/2 --db b.db\n"
            "  imcsim sweep --merge a.db b.db --db arrays.db\n",
    .options = OPTION_BIT(OPTION_DRY_RUN) | OPTION_BIT(OPTION_DB) | OPTION_BIT(OPTION_JOBS) |
               OPTION_BIT(OPTION_LIMIT) | OPTION_BIT(OPTION_RETRY) | OPTION_BIT(OPTION_STATUS) |
               OPTION_BIT(OPTION_SHARD) | OPTION_BIT(OPTION_MERGE) | OPTION_BIT(OPTION_LOG_LEVEL),
    .run = cmd_sweep,
};
