/* cli/manual.c -- see manual.h. */
#include "cli/manual.h"

#include <stdlib.h>
#include <string.h>

#include "cli/command.h"
#include "dataflow/config.h"
#include "report/version.h"

/* ---- the manual page ---- */

/* Text as it stands, for roff. */
static void print_verbatim(const char *text, FILE *out)
{
    bool begins = true;

    fputs(".nf\n", out);
    for (; *text; text++) {
        if (begins && (*text == '.' || *text == '\''))
            fputs("\\&", out);
        if (*text == '\\' || *text == '-')
            fputc('\\', out);
        fputc(*text == '\\' ? 'e' : *text, out);
        begins = *text == '\n';
    }
    fputs(begins ? ".fi\n" : "\n.fi\n", out);
}

/* What print(what) writes, verbatim. */
static void print_written(void (*print)(const void *what, FILE *out), const void *what, FILE *out)
{
    char *text = NULL;
    size_t n;
    FILE *f = open_memstream(&text, &n);

    if (f) {
        print(what, f);
        fclose(f);
        print_verbatim(text, out);
    }
    free(text);
}

static void print_options(const void *command, FILE *out)
{
    options_print_help(command, out);
}

static void print_keys(const void *nothing, FILE *out)
{
    (void)nothing;
    config_print_help(out);
}

static void print_man(FILE *out)
{
    fprintf(out, ".TH IMCSIM 1 \"\" \"imcsim %s\" \"User Commands\"\n.SH NAME\nimcsim \\- simulate "
            "neural networks on in\\-memory\\-computing cores\n.SH SYNOPSIS\n.B imcsim\n"
            ".I subcommand\n[option]... [operand]...\n.SH SUBCOMMANDS\n", imcsim_version);
    for (const struct command *const *c = commands; *c; c++) {
        fprintf(out, ".SS \"imcsim %s %s\"\n", (*c)->name, (*c)->operand ? (*c)->operand : "");
        print_verbatim((*c)->summary, out);
        fputs(".PP\n", out);
        print_verbatim((*c)->help, out);
        fputs(".PP\n", out);
        print_written(print_options, *c, out);
    }
    fputs(".SH KEYS OF A CONFIGURATION\n", out);
    print_written(print_keys, NULL, out);
    fputs(".SH ENVIRONMENT\n.TP\n.B IMCSIM_DATA\nThe directory with configs/ and models/, in place "
          "of the one that was installed.\n.SH EXIT STATUS\n0: done; 1: a run or its output "
          "failed; 2: usage or input is wrong; 130, 143: ended by Ctrl\\-C or SIGTERM; 141: the "
          "reader of a pipe has left.\n.SH SEE ALSO\n.B imcsim help docs\nlists pages on each "
          "subject, such as\n.B imcsim help first_steps\n", out);
}

/* ---- completion ---- */

/* A case for each option that takes one of several words, or a key. */
static void print_arguments(FILE *out)
{
    fputs("    case $prev in\n", out);
    options_print_choices(out);
    fputs("    --set)\n        compopt -o nospace\n        COMPREPLY=($(compgen -W '", out);
    for (const struct param *row = config_params; row->key; row++)
        fprintf(out, "%s= ", row->key);
    fputs("' -- \"$cur\"))\n        return ;;\n    esac\n", out);
}

static void print_bash(FILE *out)
{
    fputs("# bash completion for imcsim, made by `imcsim help bash`\n_imcsim()\n{\n"
          "    local cur=${COMP_WORDS[COMP_CWORD]} prev=${COMP_WORDS[COMP_CWORD-1]} options=\n"
          "    if [ \"$COMP_CWORD\" = 1 ]; then\n        COMPREPLY=($(compgen -W 'help ", out);
    for (const struct command *const *c = commands; *c; c++)
        fprintf(out, "%s ", (*c)->name);
    fputs("' -- \"$cur\"))\n        return\n    fi\n", out);
    print_arguments(out);
    fputs("    case ${COMP_WORDS[1]} in\n", out);
    for (const struct command *const *c = commands; *c; c++) {
        fprintf(out, "    %s) options='", (*c)->name);
        options_print_names(*c, out);
        fputs("' ;;\n", out);
    }
    fputs("    esac\n    case $cur in\n"
          "    -*) COMPREPLY=($(compgen -W \"$options\" -- \"$cur\")) ;;\n"
          "    *) compopt -o filenames; COMPREPLY=($(compgen -f -- \"$cur\")) ;;\n    esac\n}\n"
          "complete -F _imcsim imcsim\n", out);
}

bool manual_print(const char *topic, FILE *out)
{
    if (strcmp(topic, "man") == 0)
        print_man(out);
    else if (strcmp(topic, "bash") == 0)
        print_bash(out);
    else
        return false;
    return true;
}
