/* study/sweep/rows.c -- see rows.h. */
#include "study/sweep/rows.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sqlite3.h>

#include "study/sweep/packed.h"

enum { ID, NAME, ERROR, FIXED }; // columns of the query; keys and figures follow

static const char cure[] = "want one that `imcsim sweep STUDY` wrote";

struct reading {
    sqlite3           *db;
    const char        *path;
    const char *const *figure;
    struct rows       *rows;
    int               *figure_at; // owned; [n_figure] column of the query, -1: none
};

static enum err complain(const struct reading *r, struct err_msg *m)
{
    int code = r->db ? sqlite3_errcode(r->db) & 0xff : SQLITE_NOMEM;

    if (code == SQLITE_NOMEM)
        return err_set(m, ERR_MEMORY, "%.400s: no memory for its points", r->path);
    if (code == SQLITE_NOTADB)
        return err_set(m, ERR_INPUT, "%.400s: this is no database: %s", r->path, cure);
    return err_set(m, ERR_INPUT, "%.400s: cannot read: %s: %s", r->path, sqlite3_errmsg(r->db),
                   cure);
}

static enum err no_memory(const struct reading *r, struct err_msg *m)
{
    return err_set(m, ERR_MEMORY, "%.400s: no memory for its points", r->path);
}

/* The first cell of the first row, as text (owned) where there is one. `word` is bound. */
static enum err cell(const struct reading *r, const char *sql, const char *word, char **text,
                     struct err_msg *m)
{
    sqlite3_stmt *q = NULL;
    int code = sqlite3_prepare_v2(r->db, sql, -1, &q, NULL);
    enum err e = ERR_NONE;

    *text = NULL;
    if (!code && word)
        code = sqlite3_bind_text(q, 1, word, -1, SQLITE_STATIC);
    if (!code)
        code = sqlite3_step(q);
    if (code != SQLITE_ROW && code != SQLITE_DONE)
        e = complain(r, m);
    else if (code == SQLITE_ROW && sqlite3_column_text(q, 0) &&
             !(*text = strdup((const char *)sqlite3_column_text(q, 0))))
        e = no_memory(r, m);
    sqlite3_finalize(q);
    return e;
}

static enum err check_ours(const struct reading *r, struct err_msg *m)
{
    char *ours;
    enum err e = cell(r, "SELECT 1 FROM pragma_application_id a, pragma_user_version u, "
                      "pragma_table_info('points') t WHERE a.application_id=0x696d6373 "
                      "AND u.user_version=1 AND t.name='result'", NULL, &ours, m);

    if (!e && !ours)
        e = err_set(m, ERR_INPUT, "%.400s: this is no database of a study: %s", r->path, cure);
    free(ours);
    return e;
}

static enum err choose_version(const struct reading *r, const char *version, struct err_msg *m)
{
    char *others = NULL;
    enum err e = cell(r, "SELECT version FROM points ORDER BY version=? DESC, rowid DESC LIMIT 1",
                      version, &r->rows->version, m);

    if (!e && !r->rows->version)
        e = err_set(m, ERR_INPUT, "%.400s: it has no points yet: want the same `imcsim sweep` "
                    "again", r->path);
    if (!e)
        e = cell(r, "SELECT count(*) FROM points WHERE version<>?", r->rows->version, &others, m);
    if (others)
        r->rows->n_others = strtoull(others, NULL, 10);
    free(others);
    return e;
}

static bool is_fixed(const char *name)
{
    static const char *const fixed[] = { "id", "version", "name", "error", "images", "host_s",
                                         "result" };

    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (strcmp(fixed[i], name) == 0)
            return true;
    return false;
}

static size_t find_figure(const struct reading *r, const char *name)
{
    size_t i = 0;

    while (i < r->rows->n_figure && strcmp(r->figure[i], name) != 0)
        i++;
    return i;
}

/* A column whose name is no figure's is a key; so is one of a figure's name (batch) that stands
 * before the first figure, where a new database has its keys. */
static enum err list_columns(struct reading *r, sqlite3_stmt *q, sqlite3_str *sql,
                             struct err_msg *m)
{
    struct rows *rows = r->rows;
    bool before = true;
    int code, at = FIXED;

    sqlite3_str_appendall(sql, "SELECT id,name,error");
    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(q, 0);
        if (!name)
            return no_memory(r, m);
        if (is_fixed(name))
            continue;
        size_t f = find_figure(r, name);
        before = before && f != 0;
        if (f < rows->n_figure && !before) {
            sqlite3_str_appendf(sql, ",\"%w\"", name);
            r->figure_at[f] = at++;
        }
        if (f < rows->n_figure && !before)
            continue;
        char **more = realloc(rows->key, (rows->n_key + 1) * sizeof *more);
        if (!more)
            return no_memory(r, m);
        rows->key = more;
        if (!(rows->key[rows->n_key] = strdup(name)))
            return no_memory(r, m);
        rows->n_key++;
        at++;
        sqlite3_str_appendf(sql, ",\"%w\"", name);
    }
    sqlite3_str_appendall(sql, " FROM points WHERE version=? ORDER BY id");
    return code == SQLITE_DONE ? ERR_NONE : complain(r, m);
}

static bool copy_text(char **to, sqlite3_stmt *q, int column)
{
    const char *text = (const char *)sqlite3_column_text(q, column);

    *to = text ? strdup(text) : NULL;
    return *to || sqlite3_column_type(q, column) == SQLITE_NULL;
}

static bool is_figure_column(const struct reading *r, int column)
{
    for (size_t f = 0; f < r->rows->n_figure; f++)
        if (r->figure_at[f] == column)
            return true;
    return false;
}

/* False without memory. */
static bool take_row(const struct reading *r, struct row_of_study *row, sqlite3_stmt *q)
{
    const struct rows *rows = r->rows;
    const char *id = (const char *)sqlite3_column_text(q, ID);

    row->key = calloc(rows->n_key + 1, sizeof *row->key);
    row->figure = calloc(rows->n_figure + 1, sizeof *row->figure);
    bool fits = row->key && row->figure && copy_text(&row->name, q, NAME) &&
                copy_text(&row->error, q, ERROR);
    strncat(row->id, id ? id : "", sizeof row->id - 1);
    for (size_t k = 0, at = FIXED; k < rows->n_key && fits; at++)
        if (!is_figure_column(r, (int)at))
            fits = copy_text(&row->key[k++], q, (int)at);
    for (size_t f = 0; f < rows->n_figure && fits; f++) {
        int at = r->figure_at[f], type = at < 0 ? SQLITE_NULL : sqlite3_column_type(q, at);
        row->figure[f] = type == SQLITE_INTEGER || type == SQLITE_FLOAT
                             ? sqlite3_column_double(q, at) : NAN;
    }
    return fits;
}

static enum err read_rows(struct reading *r, sqlite3_stmt *q, struct err_msg *m)
{
    struct rows *rows = r->rows;
    size_t room = 0;
    int code;

    while ((code = sqlite3_step(q)) == SQLITE_ROW) {
        if (rows->n == room) {
            room = room ? 2 * room : 256;
            struct row_of_study *more = realloc(rows->row, room * sizeof *more);
            if (!more)
                return no_memory(r, m);
            rows->row = more;
        }
        struct row_of_study *row = &rows->row[rows->n++];
        *row = (struct row_of_study){ .id = "" };
        if (!take_row(r, row, q))
            return no_memory(r, m);
        rows->n_failed += row->error != NULL;
    }
    return code == SQLITE_DONE ? ERR_NONE : complain(r, m);
}

static enum err read_points(struct reading *r, struct err_msg *m)
{
    sqlite3_str *str = sqlite3_str_new(r->db);
    sqlite3_stmt *q = NULL;
    enum err e = ERR_NONE;

    if (sqlite3_prepare_v2(r->db, "SELECT name FROM pragma_table_info('points')", -1, &q, NULL))
        e = complain(r, m);
    if (!e)
        e = list_columns(r, q, str, m);
    sqlite3_finalize(q);
    q = NULL;
    char *sql = sqlite3_str_finish(str);
    if (!e && !sql)
        e = no_memory(r, m);
    if (!e && (sqlite3_prepare_v2(r->db, sql, -1, &q, NULL) ||
               sqlite3_bind_text(q, 1, r->rows->version, -1, SQLITE_STATIC)))
        e = complain(r, m);
    if (!e)
        e = read_rows(r, q, m);
    sqlite3_finalize(q);
    sqlite3_free(sql);
    return e;
}

/* What the table `study` says, which older databases do not have. */
static enum err read_study(const struct reading *r, struct err_msg *m)
{
    struct rows *rows = r->rows;
    const struct {
        const char *key;
        char      **value;
    } all[] = { { "objective", &rows->objective }, { "limits", &rows->limits },
                { "progress", &rows->progress } };
    char *there;
    enum err e = cell(r, "SELECT 1 FROM sqlite_master WHERE name='study'", NULL, &there, m);

    for (size_t i = 0; !e && there && i < sizeof all / sizeof *all; i++)
        e = cell(r, "SELECT value FROM study WHERE key=?", all[i].key, all[i].value, m);
    free(there);
    return e;
}

/* The database as a URI that says that nobody writes to it; NULL when the host has no memory, or
 * somebody has written what is not in it yet. */
static char *unchanging(const char *path)
{
    sqlite3_str *uri = sqlite3_str_new(NULL);
    char *wal = sqlite3_mprintf("%s-wal", path);
    bool written = !wal || access(wal, F_OK) == 0;

    sqlite3_free(wal);
    sqlite3_str_appendall(uri, "file:");
    for (; *path; path++)
        sqlite3_str_appendf(uri, strchr("%?#", *path) ? "%%%02X" : "%c", (unsigned char)*path);
    sqlite3_str_appendall(uri, "?immutable=1");
    char *text = sqlite3_str_finish(uri);
    if (!written)
        return text;
    sqlite3_free(text);
    return NULL;
}

/* SQLite keeps a file beside a database that it reads, which a read-only disk does not take. */
static bool wants_to_write(const struct reading *r)
{
    return sqlite3_exec(r->db, "PRAGMA schema_version", NULL, NULL, NULL) == SQLITE_CANTOPEN;
}

static enum err open_study(struct reading *r, struct err_msg *m)
{
    enum err e = ERR_NONE;

    // Reading alone would leave the files that it keeps beside the database.
    if (sqlite3_open_v2(r->path, &r->db, SQLITE_OPEN_READWRITE, NULL))
        e = complain(r, m);
    char *uri = !e && wants_to_write(r) ? unchanging(r->path) : NULL;
    if (uri) {
        sqlite3_close(r->db);
        r->db = NULL;
        if (sqlite3_open_v2(uri, &r->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL))
            e = complain(r, m);
        sqlite3_free(uri);
    }
    return e ? e : check_ours(r, m);
}

enum err rows_read(struct rows *rows, const char *path, const char *version,
                   const char *const *figure, size_t n_figure, struct err_msg *m)
{
    struct reading r = { .path = path, .figure = figure, .rows = rows,
                         .figure_at = malloc((n_figure + 1) * sizeof *r.figure_at) };
    enum err e = r.figure_at ? ERR_NONE : no_memory(&r, m);

    *rows = (struct rows){ .n_figure = n_figure };
    for (size_t f = 0; f < n_figure && !e; f++)
        r.figure_at[f] = -1;
    if (!e)
        e = open_study(&r, m);
    if (!e)
        e = choose_version(&r, version, m);
    if (!e)
        e = read_study(&r, m);
    if (!e)
        e = read_points(&r, m);
    sqlite3_close(r.db);
    free(r.figure_at);
    if (e)
        rows_release(rows);
    return e;
}

void rows_release(struct rows *r)
{
    for (size_t i = 0; i < r->n; i++) {
        struct row_of_study *row = &r->row[i];
        for (size_t k = 0; k < r->n_key && row->key; k++)
            free(row->key[k]);
        free(row->key);
        free(row->figure);
        free(row->name);
        free(row->error);
    }
    for (size_t k = 0; k < r->n_key; k++)
        free(r->key[k]);
    free(r->key);
    free(r->row);
    free(r->version);
    free(r->objective);
    free(r->limits);
    free(r->progress);
    *r = (struct rows){ .n = 0 };
}

/* ---- documents ---- */

enum { DOC_ID, DOC_RESULT, DOC_IMAGES, DOC_ERROR };

static enum err visit_row(const struct reading *r, sqlite3_stmt *q, rows_visit *visit, void *user,
                          struct err_msg *m)
{
    const char *id = (const char *)sqlite3_column_text(q, DOC_ID);
    char *text;
    enum err e = packed_text(&text, sqlite3_column_blob(q, DOC_RESULT),
                             (size_t)sqlite3_column_bytes(q, DOC_RESULT), m);

    if (e) {
        err_prefix(m, r->path);
        return e;
    }
    e = visit(user, id ? id : "", text, (const char *)sqlite3_column_text(q, DOC_IMAGES), m);
    free(text);
    return e;
}

enum err rows_documents(const char *path, const char *version, rows_visit *visit, void *user,
                        struct err_msg *m)
{
    struct reading r = { .path = path };
    sqlite3_stmt *q = NULL;
    int code = SQLITE_OK;
    enum err e = open_study(&r, m);

    if (!e && (sqlite3_prepare_v2(r.db, "SELECT id,result,images,error FROM points WHERE version=? "
                                  "AND result IS NOT NULL ORDER BY id", -1, &q, NULL) ||
               sqlite3_bind_text(q, 1, version, -1, SQLITE_STATIC)))
        e = complain(&r, m);
    while (!e && (code = sqlite3_step(q)) == SQLITE_ROW)
        e = visit_row(&r, q, visit, user, m);
    if (!e && code != SQLITE_DONE)
        e = complain(&r, m);
    sqlite3_finalize(q);
    sqlite3_close(r.db);
    return e;
}

static enum err visit_one(const struct reading *r, sqlite3_stmt *q, const char *begin,
                          rows_visit *visit, void *user, struct err_msg *m)
{
    int code = sqlite3_step(q);

    if (code == SQLITE_DONE)
        return err_set(m, ERR_INPUT, "%.400s: no point has an id that begins with %.40s: "
                       "`imcsim report DB --table points` lists them", r->path, begin);
    if (code != SQLITE_ROW)
        return complain(r, m);
    const char *error = (const char *)sqlite3_column_text(q, DOC_ERROR);
    if (error)
        return err_set(m, ERR_INPUT, "%.400s: point %.40s failed: %.400s", r->path, begin, error);
    return visit_row(r, q, visit, user, m);
}

enum err rows_document(const char *path, const char *begin, const char *version, rows_visit *visit,
                       void *user, struct err_msg *m)
{
    struct reading r = { .path = path };
    sqlite3_stmt *q = NULL;
    char *n = NULL;
    enum err e = open_study(&r, m);

    if (!e)
        e = cell(&r, "SELECT count(DISTINCT id) FROM points WHERE substr(id,1,length(?1))=?1",
                 begin, &n, m);
    if (!e && n && strtoull(n, NULL, 10) > 1)
        e = err_set(m, ERR_INPUT, "%.400s: %s points have ids that begin with %.40s: want more of "
                    "the id", path, n, begin);
    if (!e && (sqlite3_prepare_v2(r.db, "SELECT id,result,images,error FROM points WHERE "
                                  "substr(id,1,length(?1))=?1 ORDER BY version=?2 DESC, rowid DESC",
                                  -1, &q, NULL) ||
               sqlite3_bind_text(q, 1, begin, -1, SQLITE_STATIC) ||
               sqlite3_bind_text(q, 2, version, -1, SQLITE_STATIC)))
        e = complain(&r, m);
    if (!e)
        e = visit_one(&r, q, begin, visit, user, m);
    free(n);
    sqlite3_finalize(q);
    sqlite3_close(r.db);
    return e;
}
