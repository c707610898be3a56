/* cli/command.c -- the table of subcommands, their help, and finding the one that was asked for. */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "cli/help.h"
#include "cli/kinds.h"
#include "cli/manual.h"
#include "cli/spare.h"
#include "core/near_miss.h"
#include "report/version.h"

const struct command *const commands[] = {
    &command_run,       &command_map,    &command_article, &command_compare,
    &command_breakdown, &command_circuit, &command_import, &command_sweep,
    &command_report,    &command_fabric, NULL,
};

bool command_takes_several(const struct command *c)
{
    return c->operand && strstr(c->operand, "...");
}

static enum err unknown_command(const char *name, struct err_msg *m)
{
    const char *names[16];
    size_t n = 0;

    for (const struct command *const *c = commands; *c; c++)
        names[n++] = (*c)->name;
    const char *meant = near_miss(name, names, n);
    if (meant)
        return err_set(m, ERR_INPUT, "unknown subcommand %s: did you mean %s?", name, meant);
    return err_set(m, ERR_INPUT, "unknown subcommand %s (imcsim --help lists them)", name);
}

enum err command_find(const struct command **found, const char *name, struct err_msg *m)
{
    for (const struct command *const *c = commands; *c; c++) {
        if (strcmp((*c)->name, name) != 0)
            continue;
        *found = *c;
        return ERR_NONE;
    }
    return unknown_command(name, m);
}

static enum err run_command(const struct command *c, size_t n, char *const *arg, struct err_msg *m)
{
    struct options o;
    enum err e = options_parse(&o, c, n, arg, m);

    if (e)
        return e;
    if (o.help)
        help_command(c, stdout);
    else if (!(e = spare_named(&o, m)) && (e = c->run(&o, m)) == ERR_INPUT)
        kinds_explain(c, &o, m);
    options_release(&o);
    return e;
}

/* Words of the command line that are neither subcommands nor their operands. */
static enum err none_beyond(int most, int argc, char *const *argv, struct err_msg *m)
{
    if (argc <= most)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "%s: one word too many: %.100s", argv[1], argv[most]);
}

enum err command_dispatch(int argc, char *const *argv, struct err_msg *m)
{
    const struct command *c;

    if (argc < 2)
        return err_set(m, ERR_INPUT, "no subcommand (imcsim --help lists them)");
    const char *word = argv[1], *first = argc > 2 ? argv[2] : NULL;
    bool own = strcmp(word, "list") == 0 || strcmp(word, "version") == 0 ||
               strcmp(word, "help") == 0; // no row of commands[]
    if (own && first && (strcmp(first, "--help") == 0 || strcmp(first, "-h") == 0))
        return help(word, NULL, m);
    if (strcmp(word, "--version") == 0 || strcmp(word, "version") == 0) {
        enum err e = none_beyond(2, argc, argv, m);
        if (!e)
            printf("imcsim %s\n", imcsim_version);
        return e;
    }
    if (strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0)
        return help(NULL, NULL, m);
    if (strcmp(word, "help") == 0 && none_beyond(4, argc, argv, m))
        return ERR_INPUT;
    if (strcmp(word, "help") == 0)
        return first && manual_print(first, stdout) ? ERR_NONE
                                                    : help(first, argc > 3 ? argv[3] : NULL, m);
    if (strcmp(word, "list") == 0)
        return none_beyond(3, argc, argv, m) ? ERR_INPUT : help_list(first, m);
    enum err e = command_find(&c, argv[1], m);
    return e ? e : run_command(c, (size_t)argc - 2, argv + 2, m);
}
