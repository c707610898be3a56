/* cli/help.c -- see help.h. */
#include "cli/help.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/circuit_bench.h"
#include "core/datadir.h"
#include "core/near_miss.h"
#include "core/page.h"
#include "core/util.h"
#include "core/wrap.h"
#include "dataflow/config.h"

/* ---- pages ---- */

static enum err page_config(const char *key, struct err_msg *m)
{
    if (key)
        return param_print_key(config_params, key, stdout, m);
    puts("The keys of CONFIG, also for --set, as: key, default, what it takes, meaning.\n"
         "`imcsim help config KEY` has a page for a key, or the keys of a section (fabric).\n"
         "CONFIG is YAML: 1000 may be 1e3, 1_000, 0x3e8 or \"1000\"; anchors, aliases and merges\n"
         "(<<) are read, and keys at the top that begin with x- only hold anchors.\n");
    config_print_help(stdout);
    return ERR_NONE;
}

static enum err page_device(const char *word, struct err_msg *m)
{
    (void)word;
    (void)m;
    puts("A device is the memory at a crossing of an array, as the circuits that price a run see\n"
         "it: conductances, what can be told apart, voltages, size. energy.device names a file of\n"
         "configs/devices; `imcsim list devices` lists them.\n"
         "\n"
         "  r_on_ohm, r_off_ohm         resistance of the best and the worst conducting state\n"
         "  level_step                  least distance of two levels, a share of the largest\n"
         "  bits                        that the source reports for a cell\n"
         "  mean_us                     conductance in the mean over a trained network's cells\n"
         "  read_v, select_v, write_v   voltages\n"
         "  cell_height_f, cell_width_f size of a cell, in features of the node\n"
         "  program_pj                  to program a cell once; may be left out\n"
         "\n"
         "Each value has a source, a fit or an assumption beside it. Your own: the path of a file\n"
         "like those, or a map of what differs from one; without `file` all of the above but the\n"
         "last, `cell` (resistive) and `name` if you like. core.crossbar.device is the array's\n"
         "own, which is priced where energy.device is not given.\n"
         "\n"
         "  imcsim breakdown configs/dazzi2021_14nm.yaml --set energy.device=pcm_4bit\n"
         "  imcsim breakdown configs/isaac.yaml \\\n"
         "      --set 'core.crossbar.device={file: rram_2bit, r_on_ohm: 20000}'");
    return ERR_NONE;
}

static enum err page_chip(const char *word, struct err_msg *m)
{
    (void)word;
    (void)m;
    puts("A chip says what the blocks of a core cost where circuits alone do not: its converters,\n"
         "the sizes of its controller, and the factors that were fitted to published figures,\n"
         "each with the figure that it reproduces. energy.chip names a file of configs/chips;\n"
         "composed is any machine from circuits at its node. Without one a run has no energy\n"
         "and no area, and breakdown takes composed. `imcsim list chips` lists them,\n"
         "docs/models/chip.md explains every key.\n"
         "\n"
         "  imcsim breakdown configs/resnet32.yaml --set energy.technology=22nm_lp\n"
         "  imcsim breakdown configs/resnet32.yaml --set energy.chip=dazzi2021_14nm\n"
         "  imcsim compare configs/dazzi2021_14nm.yaml configs/isaac_pulses_32nm.yaml");
    return ERR_NONE;
}

static enum err page_circuit(const char *name, struct err_msg *m)
{
    const char *names[64];
    size_t n = 0;

    if (!name) {
        const struct command *c;
        enum err e = command_find(&c, "circuit", m);
        if (!e)
            help_command(c, stdout);
        return e;
    }
    for (const struct circuit_row *c = circuits; c->name; c++) {
        if (strcmp(c->name, name) == 0) {
            circuit_describe(c, stdout);
            printf("\n  imcsim circuit %s --set %s=%g --set technology=14nm_lp\n", name,
                   c->param[0].name, c->param[0].dflt);
            return ERR_NONE;
        }
        names[n++] = c->name;
    }
    const char *meant = near_miss(name, names, n);
    return err_set(m, ERR_INPUT, "help circuit %.40s: no such circuit%s%s (imcsim circuit list)",
                   name, meant ? ": did you mean " : "", meant ? meant : "");
}

/* ---- pages of the documentation ---- */

/* Of docs/, as the file has it; on a terminal in lines that it has room for. False when there is
 * none of that name. */
static bool print_document(const char *name)
{
    char base[DATADIR_BYTE], path[DATADIR_BYTE + 100], *text = NULL;
    struct err_msg m;
    size_t n;
    int c;

    if (strstr(name, "..") || strlen(name) > 64 || datadir(base, &m))
        return false;
    snprintf(path, sizeof path, "%s/docs/%s.md", base, name);
    FILE *f = fopen(path, "r");
    if (!f)
        return false;
    FILE *memory = open_memstream(&text, &n);
    while ((c = getc(f)) != EOF)
        putc(c, memory ? memory : stdout);
    fclose(f);
    if (!memory || fclose(memory))
        return true;
    if (isatty(STDOUT_FILENO))
        page_print(stdout, text, TEXT_WIDTH);
    else
        fputs(text, stdout);
    free(text);
    return true;
}

static enum err page_docs(const char *word, struct err_msg *m)
{
    (void)word;
    if (print_document("README"))
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "help docs: the documentation is not there: want make install, or "
                   "the environment variable IMCSIM_DATA to name the directory that has docs/");
}

static const struct topic {
    const char *name, *word, *summary;
    enum err (*print)(const char *word, struct err_msg *m);
} topics[] = {
    { "config", "[KEY]", "the keys of CONFIG, all or one", page_config },
    { "device", "", "memory devices, for prices", page_device },
    { "chip", "", "costs of a core, for prices", page_chip },
    { "circuit", "[NAME]", "circuits and their parameters", page_circuit },
    { "docs", "", "all pages of the documentation: help first_steps, help energy, ...", page_docs },
    { NULL, NULL, NULL, NULL },
};

void help_command(const struct command *c, FILE *out)
{
    fprintf(out, "imcsim %s: %s\n\nusage: imcsim %s %s%s[option]...\n\n%s\noptions:\n", c->name,
            c->summary, c->name, c->operand ? c->operand : "", c->operand ? " " : "", c->help);
    options_print_help(c, out);
    if (c->operand && strncmp(c->operand, "CONFIG", strlen("CONFIG")) == 0)
        fputs("\n`imcsim help config` lists the keys of CONFIG.\n", out);
}

static void print_overview(void)
{
    puts("imcsim simulates neural networks on pipelined in-memory-computing cores, timestep by\n"
         "timestep.\n"
         "\n"
         "usage: imcsim SUBCOMMAND [option]... [operand]\n");
    for (const struct command *const *c = commands; *c; c++)
        printf("  %-9s %-10s  %s\n", (*c)->name, (*c)->operand ? (*c)->operand : "",
               (*c)->summary);
    puts("  list      WHAT        what comes along: configs, devices, chips, studies or networks\n"
         "  version               its version\n"
         "  help      [TOPIC]     this text, that of a subcommand, or a page on");
    for (const struct topic *t = topics; t->name; t++)
        printf("              %-7s %-8s %s\n", t->name, t->word, t->summary);
    puts("\n"
         "  imcsim run configs/resnet32.yaml          one image's timing, explained\n"
         "  imcsim run configs/resnet32_fmnist.yaml --images IMAGES --jobs 2\n"
         "  imcsim map configs/resnet32.yaml --svg chip.svg\n"
         "\n"
         "Results go to standard output, messages to standard error. Exit status: 0; 1 when a run\n"
         "or its output failed; 2 when usage or input is wrong; 130, 143 when ended by Ctrl-C or\n"
         "SIGTERM, which leave no unfinished file; 141 when the reader of a pipe has left.");
}

/* ---- what comes with it ---- */

static int is_yaml(const struct dirent *e)
{
    size_t n = strlen(e->d_name);

    return n > 5 && strcmp(e->d_name + n - 5, ".yaml") == 0;
}

static int is_network(const struct dirent *e)
{
    const char *end = strrchr(e->d_name, '.');

    return end && (strcmp(end, ".onnx") == 0 || strcmp(end, ".nir") == 0);
}

/* Whether the full stop at p ends a sentence: "et al. 2021" and "K. Lee" go on. */
static bool sentence_ends(const char *text, const char *p)
{
    return *p == '.' && (!p[1] || (p[1] == ' ' && isupper((unsigned char)p[2]))) &&
           p - text > 1 && p[-1] != ' ' && p[-2] != ' ';
}

/* The sentence that text begins with, to before its full stop; none ends inside parentheses. */
static size_t sentence_length(const char *text)
{
    const char *p = text;

    for (int depth = 0; *p && (depth > 0 || !sentence_ends(text, p)); p++)
        depth += (*p == '(') - (*p == ')');
    return (size_t)(p - text);
}

/* The first sentence of the comment that a file begins with, or nothing. */
static void first_sentence(const char *dir, const char *name, char *text, size_t size)
{
    char path[DATADIR_BYTE + 400], line[256];
    size_t n = 0;

    text[0] = '\0';
    snprintf(path, sizeof path, "%s/%s", dir, name);
    FILE *f = fopen(path, "r");
    if (!f)
        return;
    while (n < size && fgets(line, sizeof line, f) && strncmp(line, "# ", 2) == 0) {
        line[strcspn(line, "\n")] = '\0';
        n += (size_t)snprintf(text + n, size - n, "%s%s", n ? " " : "", line + 2);
    }
    fclose(f);
    text[sentence_length(text)] = '\0';
}

/* Names as keys and operands take them, or `whole`: paths. */
static enum err list_folder(const char *folder, int (*wanted)(const struct dirent *), bool whole,
                            struct err_msg *m)
{
    struct dirent **entry;
    char base[DATADIR_BYTE], dir[DATADIR_BYTE + 64], sentence[600];
    size_t longest = 0;
    enum err e = datadir(base, m);

    if (e)
        return e;
    snprintf(dir, sizeof dir, "%s/%s", base, folder);
    int n = scandir(dir, &entry, wanted, alphasort);
    if (n < 0)
        return err_set(m, ERR_INPUT, "list: %s: %s", dir, strerror(errno));
    for (int i = 0; i < n; i++)
        longest = max_u64(longest, strcspn(entry[i]->d_name, "."));
    for (int i = 0; i < n; i++) {
        char *name = entry[i]->d_name;
        first_sentence(dir, name, sentence, sizeof sentence);
        if (whole) {
            printf("%s/%s\n", dir, name);
        } else {
            *strrchr(name, '.') = '\0';
            printf("%-*s", sentence[0] ? (int)longest + 2 : 0, name);
            wrap(stdout, sentence, longest + 2, longest + 2, TEXT_WIDTH);
            putchar('\n');
        }
        free(entry[i]);
    }
    free(entry);
    return ERR_NONE;
}

static const struct list {
    const char *what, *folder, *doc;
    int (*wanted)(const struct dirent *);
    bool whole;         // paths, not names
    const char *before; // lines of what is in no folder
} lists[] = {
    { "configs", "configs", "machines, which run and its like take as CONFIG", is_yaml, false,
      NULL },
    { "devices", "configs/devices", "memory devices: core.crossbar.device, energy.device", is_yaml,
      false, NULL },
    { "chips", "configs/chips", "costs of a core: energy.chip", is_yaml, false, NULL },
    { "studies", "configs/studies", "studies, which sweep takes", is_yaml, false, NULL },
    { "networks", "models", "families (network.family), models (network.onnx, network.nir)",
      is_network, true,
      "resnet-cifar (network.family: any depth and size, timing only)\n"
      "vgg-cifar (network.family: any depth and size, timing only)\n"
      "transformer (network.family: BERT, GPT-2, ViT and their like, timing only)\n" },
};

enum { N_LIST = sizeof lists / sizeof *lists };

static void print_lists(void)
{
    puts("imcsim list: what comes along\n\nusage: imcsim list WHAT\n");
    for (size_t i = 0; i < N_LIST; i++)
        printf("  %-8s  %s\n", lists[i].what, lists[i].doc);
}

enum err help_list(const char *what, struct err_msg *m)
{
    for (size_t i = 0; what && i < N_LIST; i++) {
        const struct list *l = &lists[i];
        if (strcmp(l->what, what) != 0)
            continue;
        fputs(l->before ? l->before : "", stdout);
        return list_folder(l->folder, l->wanted, l->whole, m);
    }
    return err_set(m, ERR_INPUT, "list%s%.40s: want configs, devices, chips, studies or networks",
                   what ? " " : "", what ? what : "");
}

/* ---- a page by its name ---- */

enum err help(const char *name, const char *word, struct err_msg *m)
{
    const struct command *c;

    if (!name) {
        print_overview();
        return ERR_NONE;
    }
    for (const struct topic *t = topics; t->name; t++)
        if (strcmp(t->name, name) == 0)
            return t->print(word, m);
    if (strcmp(name, "list") == 0) {
        print_lists();
        return ERR_NONE;
    }
    if (strcmp(name, "version") == 0 || strcmp(name, "help") == 0) {
        print_overview();
        return ERR_NONE;
    }
    if (print_document(name))
        return ERR_NONE;
    if (command_find(&c, name, m))
        return err_set(m, ERR_INPUT, "help %.40s: no such page: imcsim help lists subcommands and "
                       "topics, imcsim help docs the rest", name);
    help_command(c, stdout);
    return ERR_NONE;
}
