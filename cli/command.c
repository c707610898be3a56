/* cli/command.c -- the table of subcommands, their help, and finding the one that was asked for. */
#include "cli/command.h"

#include <stdio.h>
#include <string.h>

#include "cli/manual.h"
#include "cli/version.h"
#include "dataflow/config.h"

#define LATER(name, operand, summary) { name, operand, summary, NULL, 0, NULL }

static const struct command command_sweep = LATER("sweep", "STUDY", "a grid of configurations");

const struct command *const commands[] = {
    &command_run,       &command_map,    &command_article, &command_compare,
    &command_breakdown, &command_circuit, &command_import, &command_sweep,   NULL,
};

bool command_takes_several(const struct command *c)
{
    return c->operand && strstr(c->operand, "...");
}

static void print_help(void)
{
    puts("imcsim simulates neural networks on pipelined in-memory-computing cores, timestep by\n"
         "timestep.\n"
         "\n"
         "usage: imcsim SUBCOMMAND [option]... [operand]\n");
    for (const struct command *const *c = commands; *c; c++)
        if ((*c)->run)
            printf("  %-8s %-7s  %s\n", (*c)->name, (*c)->operand ? (*c)->operand : "",
                   (*c)->summary);
    puts("  help     [NAME]   this text, or that of a subcommand; `help config`: all keys\n"
         "\n"
         "  imcsim run configs/resnet32.yaml          one image's timing, explained\n"
         "  imcsim run configs/resnet32_fmnist.yaml --images IMAGES --jobs 2\n"
         "  imcsim map configs/resnet32.yaml --dot | dot -Tsvg >plan.svg\n"
         "\n"
         "Results go to standard output, messages to standard error. Exit status: 0; 1 when a run\n"
         "or its output failed; 2 when usage or input is wrong; 130, 143 when ended by Ctrl-C or\n"
         "SIGTERM, which leave no unfinished file; 141 when the reader of a pipe has left.");
}

static void print_command_help(const struct command *c)
{
    printf("imcsim %s: %s\n\nusage: imcsim %s %s%s[option]...\n\n%s\noptions:\n", c->name,
           c->summary, c->name, c->operand ? c->operand : "", c->operand ? " " : "", c->help);
    options_print_help(c, stdout);
    if (c->operand && strncmp(c->operand, "CONFIG", strlen("CONFIG")) == 0) {
        puts("\nkeys of CONFIG, also for --set:");
        config_print_help(stdout);
    }
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

static enum err find_command(const struct command **found, const char *name, struct err_msg *m)
{
    for (const struct command *const *c = commands; *c; c++) {
        if (strcmp((*c)->name, name) != 0)
            continue;
        if (!(*c)->run)
            return err_set(m, ERR_INPUT, "%s is not there yet", name);
        *found = *c;
        return ERR_NONE;
    }
    return unknown_command(name, m);
}

static enum err help(const char *topic, struct err_msg *m)
{
    const struct command *c;

    if (!topic) {
        print_help();
        return ERR_NONE;
    }
    if (strcmp(topic, "config") == 0) {
        config_print_help(stdout);
        return ERR_NONE;
    }
    enum err e = find_command(&c, topic, m);
    if (!e)
        print_command_help(c);
    return e;
}

static enum err run_command(const struct command *c, size_t n, char *const *arg, struct err_msg *m)
{
    struct options o;
    enum err e = options_parse(&o, c, n, arg, m);

    if (e)
        return e;
    if (o.help)
        print_command_help(c);
    else
        e = c->run(&o, m);
    options_release(&o);
    return e;
}

enum err command_dispatch(int argc, char *const *argv, struct err_msg *m)
{
    const struct command *c;

    if (argc < 2)
        return err_set(m, ERR_INPUT, "no subcommand (imcsim --help lists them)");
    if (strcmp(argv[1], "--version") == 0) {
        printf("imcsim %s\n", imcsim_version);
        return ERR_NONE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return help(NULL, m);
    if (strcmp(argv[1], "help") == 0 && argc > 2 && manual_print(argv[2], stdout))
        return ERR_NONE;
    if (strcmp(argv[1], "help") == 0)
        return help(argc > 2 ? argv[2] : NULL, m);
    enum err e = find_command(&c, argv[1], m);
    return e ? e : run_command(c, (size_t)argc - 2, argv + 2, m);
}
