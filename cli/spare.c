/* cli/spare.c -- see spare.h. */
#include "cli/spare.h"

#include <string.h>
#include <sys/stat.h>

#include "core/datadir.h"
#include "core/param.h"

struct result {
    const char *option, *path; // path NULL: not wanted
};

static bool is_same(const struct stat *a, const char *path)
{
    struct stat b;

    return stat(path, &b) == 0 && a->st_dev == b.st_dev && a->st_ino == b.st_ino;
}

static enum err spare(const struct options *o, const char *read, bool is_config, struct err_msg *m)
{
    const struct result results[] = {
        { "--json", o->json },         { "--csv", o->csv },           { "--stats", o->stats },
        { "--dot", o->dot },           { "--markdown", o->markdown }, { "--svg", o->svg },
        { "-o", o->output },           { "--trace", o->trace },       { "--timeline", o->timeline },
        { "--outputs", o->outputs },
        { "--write-config", is_config ? NULL : o->write_config },
    };
    struct stat s;

    if (!read || stat(read, &s) != 0 || !S_ISREG(s.st_mode))
        return ERR_NONE;
    for (size_t i = 0; i < sizeof results / sizeof *results; i++)
        if (results[i].path && is_same(&s, results[i].path))
            return err_set(m, ERR_INPUT, "%s %.400s: that file is read, and would be lost: want "
                           "another", results[i].option, results[i].path);
    return ERR_NONE;
}

enum err spare_named(const struct options *o, struct err_msg *m)
{
    const char *const named[] = { o->images, o->how.labels, o->inputs, o->activity, o->traffic };
    enum err e = ERR_NONE;

    for (size_t i = 0; !e && i < o->n_operand; i++)
        e = spare(o, o->operands[i], true, m);
    for (size_t i = 0; !e && i < sizeof named / sizeof *named; i++)
        e = spare(o, named[i], false, m);
    for (size_t i = 0; !e && i < o->n_set; i++) {
        const char *value = strchr(o->set[i], '=');
        e = spare(o, value ? value + 1 : NULL, false, m);
    }
    return e;
}

enum err spare_config(const struct options *o, const struct config *c, struct err_msg *m)
{
    enum err e = ERR_NONE;

    for (const struct param *row = config_params; row->key && !e; row++) {
        char word[DATADIR_BYTE];
        param_file_word(row, c, word, sizeof word);
        e = spare(o, word[0] != '\0' ? word : NULL, false, m);
    }
    return e;
}
