/* cli/cmd_sweep.c -- imcsim sweep: the points of a study, listed or run. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "cli/command.h"
#include "cli/sweep_run.h"
#include "study/sweep/points.h"

/* A word as a shell takes it. */
static void print_word(const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./=:,+%@";

    if (strspn(word, plain) == strlen(word)) {
        fputs(word, stdout);
        return;
    }
    putchar('\'');
    for (; *word; word++)
        if (*word == '\'')
            fputs("'\\''", stdout);
        else
            putchar(*word);
    putchar('\'');
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

static enum err cmd_sweep(const struct options *o, struct err_msg *m)
{
    struct sweep s;

    enum err e = sweep_load(&s, o->operand, m);
    if (!e)
        e = o->dry_run ? list_points(&s, m) : sweep_run(&s, o, m);
    sweep_release(&s);
    return e;
}

const struct command command_sweep = {
    .name = "sweep",
    .operand = "STUDY",
    .summary = "runs the points of a study, or lists them: grids, ranges, samples",
    .help = "A study (YAML) names a base configuration and what varies; docs/studies.md has all\n"
            "of its keys. Its points are run by --jobs processes into a database (SQLite), where\n"
            "each is a row with the keys that vary, its figures and its whole result, or the\n"
            "reason why it failed. What is there already is not run again: a study that was\n"
            "ended goes on, and one that was changed runs what is new. --dry-run prints a\n"
            "command for each point, and how many there are.\n"
            "\n"
            "  imcsim sweep configs/studies/arrays.yaml --jobs 2\n"
            "  imcsim sweep configs/studies/arrays.yaml --dry-run\n",
    .options = OPTION_BIT(OPTION_DRY_RUN) | OPTION_BIT(OPTION_DB) | OPTION_BIT(OPTION_JOBS) |
               OPTION_BIT(OPTION_LIMIT) | OPTION_BIT(OPTION_LOG_LEVEL),
    .run = cmd_sweep,
};
