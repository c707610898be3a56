/* study/sweep/store.c -- see store.h. */
#include "study/sweep/store.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include <sqlite3.h>

enum {
    APPLICATION = 0x696d6373, // "imcs"
    SCHEMA = 1,
    WAIT_MS = 10000 // for another process that writes
};

struct store {
    sqlite3      *db;
    sqlite3_stmt *insert;
    char         *path, *version; // owned
    size_t        n_key, n_figure;
    bool          in_batch;
};

/* ---- names of points ---- */

struct store_id_text store_id_text(const struct store_id *id)
{
    struct store_id_text t;

    for (size_t i = 0; i < sizeof id->byte; i++)
        snprintf(t.text + 2 * i, 3, "%02x", id->byte[i]);
    return t;
}

/* The offset basis; the prime is 2^88 + 0x13b. Numbers are most significant byte first. */
static const struct store_id id_basis = { { 0x6c, 0x62, 0x27, 0x2e, 0x07, 0xbb, 0x01, 0x42, 0x62,
                                            0xb8, 0x21, 0x75, 0x62, 0x95, 0xc5, 0x8d } };

void store_id_add(struct store_id *id, const char *text)
{
    static const struct store_id zero;
    uint64_t word[2] = { 0, 0 };

    if (memcmp(id, &zero, sizeof zero) == 0)
        *id = id_basis;
    for (int i = 0; i < 16; i++)
        word[i / 8] = word[i / 8] << 8 | id->byte[i];
    for (const unsigned char *p = (const unsigned char *)text; *p; p++) {
        word[1] ^= *p;
        uint64_t low = (word[1] & UINT32_MAX) * 0x13b, high = (word[1] >> 32) * 0x13b;
        uint64_t carry = (high + (low >> 32)) >> 32;
        word[0] = word[0] * 0x13b + (word[1] << 24) + carry;
        word[1] = (high << 32) + low;
    }
    for (int i = 0; i < 16; i++)
        id->byte[i] = (uint8_t)(word[i / 8] >> (56 - 8 * (i % 8)));
}

/* ---- mistakes ---- */

static enum err complain(const struct store *s, struct err_msg *m)
{
    int code = sqlite3_errcode(s->db) & 0xff;

    if (code == SQLITE_NOMEM)
        return err_set(m, ERR_MEMORY, "%.400s: no memory for the database", s->path);
    if (code == SQLITE_NOTADB)
        return err_set(m, ERR_INPUT, "%.400s: this is no database: want another name", s->path);
    return err_set(m, ERR_OUTPUT, "%.400s: cannot write: %s: want a database on a disk with room "
                   "that you may write", s->path, sqlite3_errmsg(s->db));
}

static enum err foreign(const struct store *s, struct err_msg *m)
{
    return err_set(m, ERR_INPUT, "%.400s: this is a database of another program: want another "
                   "name", s->path);
}

static enum err execute(struct store *s, const char *sql, struct err_msg *m)
{
    return sqlite3_exec(s->db, sql, NULL, NULL, NULL) ? complain(s, m) : ERR_NONE;
}

/* Takes over sql, of sqlite3_mprintf(). */
static enum err execute_made(struct store *s, char *sql, struct err_msg *m)
{
    enum err e = sql ? execute(s, sql, m)
                     : err_set(m, ERR_MEMORY, "%.400s: no memory for the database", s->path);

    sqlite3_free(sql);
    return e;
}

/* The first number of the first row, 0 without one. `word` is bound where there is a place. */
static enum err number(struct store *s, const char *sql, const char *word, int64_t *value,
                       struct err_msg *m)
{
    sqlite3_stmt *q = NULL;
    int code = sqlite3_prepare_v2(s->db, sql, -1, &q, NULL);

    *value = 0;
    if (!code && word)
        code = sqlite3_bind_text(q, 1, word, -1, SQLITE_STATIC);
    if (!code)
        code = sqlite3_step(q);
    if (code == SQLITE_ROW)
        *value = sqlite3_column_int64(q, 0);
    enum err e = code == SQLITE_ROW || code == SQLITE_DONE ? ERR_NONE : complain(s, m);
    sqlite3_finalize(q);
    return e;
}

/* ---- opening ---- */

/* *fresh: nothing is in it yet. */
static enum err check_ours(struct store *s, bool *fresh, struct err_msg *m)
{
    int64_t application, schema, n_table;
    enum err e = number(s, "PRAGMA application_id", NULL, &application, m);

    if (!e)
        e = number(s, "PRAGMA user_version", NULL, &schema, m);
    if (!e)
        e = number(s, "SELECT count(*) FROM sqlite_master", NULL, &n_table, m);
    if (e)
        return e;
    *fresh = application == 0 && n_table == 0;
    if (!*fresh && application != APPLICATION)
        return foreign(s, m);
    if (!*fresh && schema != SCHEMA)
        return err_set(m, ERR_INPUT, "%.400s: its tables are of another version of imcsim: want "
                       "another name", s->path);
    return ERR_NONE;
}

static enum err make_table(struct store *s, struct err_msg *m)
{
    enum err e = execute(s, "CREATE TABLE points(id TEXT NOT NULL, version TEXT NOT NULL, name, "
                         "error, images, host_s, result, PRIMARY KEY(id, version))", m);

    if (!e)
        e = execute_made(s, sqlite3_mprintf("PRAGMA application_id=%d; PRAGMA user_version=%d",
                                            APPLICATION, SCHEMA), m);
    return e;
}

static enum err add_column(struct store *s, const char *name, struct err_msg *m)
{
    int64_t there;
    enum err e = number(s, "SELECT count(*) FROM pragma_table_info('points') "
                        "WHERE name = ? COLLATE NOCASE", name, &there, m);

    if (e || there)
        return e;
    return execute_made(s, sqlite3_mprintf("ALTER TABLE points ADD COLUMN \"%w\"", name), m);
}

static enum err add_columns(struct store *s, const struct store_columns *c, struct err_msg *m)
{
    enum err e = ERR_NONE;

    for (size_t i = 0; i < c->n_key && !e; i++)
        e = add_column(s, c->key[i], m);
    for (size_t i = 0; i < c->n_figure && !e; i++)
        e = add_column(s, c->figure[i], m);
    return e;
}

/* A key may have the name of a figure (batch), whose column they share. */
static bool is_key(const struct store_columns *c, const char *figure)
{
    for (size_t i = 0; i < c->n_key; i++)
        if (sqlite3_stricmp(c->key[i], figure) == 0)
            return true;
    return false;
}

/* One statement for every row: ?1 to ?7 are the fixed columns, ?8 whether the point was there
 * already, then come keys and figures. */
static enum err prepare_insert(struct store *s, const struct store_columns *c, struct err_msg *m)
{
    sqlite3_str *names = sqlite3_str_new(s->db), *places = sqlite3_str_new(s->db),
                *keys = sqlite3_str_new(s->db), *all = sqlite3_str_new(s->db);
    int place = 9;

    for (size_t i = 0; i < c->n_key; i++, place++) {
        sqlite3_str_appendf(names, ",\"%w\"", c->key[i]);
        sqlite3_str_appendf(places, ",?%d", place);
        sqlite3_str_appendf(keys, ",\"%w\"=coalesce(\"%w\",?%d)", c->key[i], c->key[i], place);
    }
    for (size_t i = 0; i < c->n_figure; i++, place++) {
        if (is_key(c, c->figure[i]))
            continue;
        sqlite3_str_appendf(names, ",\"%w\"", c->figure[i]);
        sqlite3_str_appendf(places, ",?%d", place);
        sqlite3_str_appendf(keys, ",\"%w\"=CASE WHEN ?8 OR error IS NULL THEN \"%w\" ELSE ?%d END",
                            c->figure[i], c->figure[i], place);
    }
    static const char *const fixed[] = { "images", "host_s", "result" };
    for (int i = 0; i < 3; i++)
        sqlite3_str_appendf(keys, ",%s=CASE WHEN ?8 OR error IS NULL THEN %s ELSE ?%d END",
                            fixed[i], fixed[i], 5 + i);
    sqlite3_str_appendall(keys, ",error=CASE WHEN ?8 OR error IS NULL THEN error ELSE ?4 END");
    char *n = sqlite3_str_finish(names), *p = sqlite3_str_finish(places),
         *k = sqlite3_str_finish(keys);
    sqlite3_str_appendf(all, "INSERT INTO points(id,version,name,error,images,host_s,result%s) "
                        "VALUES(?1,?2,?3,?4,?5,?6,?7%s) ON CONFLICT(id,version) DO UPDATE SET "
                        "name=coalesce(min(name,?3),name,?3)%s", n ? n : "", p ? p : "",
                        k ? k : "");
    char *sql = sqlite3_str_finish(all);
    enum err e = sql ? ERR_NONE
                     : err_set(m, ERR_MEMORY, "%.400s: no memory for the database", s->path);
    if (!e && sqlite3_prepare_v3(s->db, sql, -1, SQLITE_PREPARE_PERSISTENT, &s->insert, NULL))
        e = complain(s, m);
    sqlite3_free(n);
    sqlite3_free(p);
    sqlite3_free(k);
    sqlite3_free(sql);
    return e;
}

static enum err prepare(struct store *s, const struct store_columns *c, struct err_msg *m)
{
    bool fresh;
    enum err e = check_ours(s, &fresh, m);

    if (!e)
        e = execute(s, "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; BEGIN IMMEDIATE", m);
    if (!e) // another process may have made it meanwhile
        e = check_ours(s, &fresh, m);
    if (!e && fresh)
        e = make_table(s, m);
    if (!e)
        e = execute(s, "CREATE TABLE IF NOT EXISTS study(key TEXT PRIMARY KEY, value)", m);
    if (!e)
        e = add_columns(s, c, m);
    if (!e)
        e = execute(s, "COMMIT", m);
    return e ? e : prepare_insert(s, c, m);
}

enum err store_open(struct store **out, const char *path, const char *version,
                    const struct store_columns *columns, struct err_msg *m)
{
    struct store *s = calloc(1, sizeof *s);

    *out = NULL;
    if (s) {
        s->path = strdup(path);
        s->version = strdup(version);
        s->n_key = columns->n_key;
        s->n_figure = columns->n_figure;
    }
    if (!s || !s->path || !s->version) {
        store_close(s);
        return err_set(m, ERR_MEMORY, "%.400s: no memory for the database", path);
    }
    enum err e = ERR_NONE;
    if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL))
        e = complain(s, m);
    sqlite3_busy_timeout(s->db, WAIT_MS);
    if (!e)
        e = prepare(s, columns, m);
    if (e) {
        store_close(s);
        return e;
    }
    *out = s;
    return ERR_NONE;
}

void store_close(struct store *s)
{
    if (!s)
        return;
    sqlite3_finalize(s->insert);
    sqlite3_close(s->db);
    free(s->path);
    free(s->version);
    free(s);
}

/* ---- what is there ---- */

static bool read_id(struct store_id *id, const unsigned char *text)
{
    for (size_t i = 0; i < sizeof id->byte; i++) {
        unsigned byte;
        if (!text || sscanf((const char *)text + 2 * i, "%2x", &byte) != 1)
            return false;
        id->byte[i] = (uint8_t)byte;
    }
    return true;
}

static int compare_ids(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct store_id));
}

enum err store_ids(struct store *s, bool failed, struct store_ids *ids, struct err_msg *m)
{
    sqlite3_stmt *q = NULL;
    size_t room = 0;
    int code = sqlite3_prepare_v2(s->db, "SELECT id FROM points WHERE version=?1 AND length(id)=32 "
                                  "AND (?2 OR error IS NULL)", -1, &q, NULL);
    enum err e = ERR_NONE;

    *ids = (struct store_ids){ NULL, 0 };
    if (!code)
        code = sqlite3_bind_text(q, 1, s->version, -1, SQLITE_STATIC);
    if (!code)
        code = sqlite3_bind_int(q, 2, failed);
    while (!e && (code == SQLITE_OK || code == SQLITE_ROW) &&
           (code = sqlite3_step(q)) == SQLITE_ROW) {
        if (ids->n == room) {
            room = room ? 2 * room : 1024;
            struct store_id *more = realloc(ids->id, room * sizeof *more);
            if (!more) {
                e = err_set(m, ERR_MEMORY, "%.400s: no memory for its points", s->path);
                break;
            }
            ids->id = more;
        }
        if (read_id(&ids->id[ids->n], sqlite3_column_text(q, 0)))
            ids->n++;
    }
    if (!e && code != SQLITE_DONE)
        e = complain(s, m);
    sqlite3_finalize(q);
    if (e)
        store_ids_release(ids);
    else if (ids->n > 0)
        qsort(ids->id, ids->n, sizeof *ids->id, compare_ids);
    return e;
}

bool store_ids_have(const struct store_ids *ids, const struct store_id *id)
{
    return ids->n > 0 && bsearch(id, ids->id, ids->n, sizeof *id, compare_ids) != NULL;
}

void store_ids_release(struct store_ids *ids)
{
    free(ids->id);
    *ids = (struct store_ids){ NULL, 0 };
}

enum err store_count(struct store *s, int64_t *n, struct err_msg *m)
{
    return number(s, "SELECT count(*) FROM points", NULL, n, m);
}

/* ---- rows ---- */

/* A number where the text is one, so that SQL compares values and not words. */
static int bind_value(sqlite3_stmt *q, int place, const char *text)
{
    char *end;

    if (!text)
        return sqlite3_bind_null(q, place);
    size_t n = strlen(text);
    if (n > 0 && n < 19 && strspn(text, "-0123456789") == n) {
        long long whole = strtoll(text, &end, 10);
        if (*end == '\0')
            return sqlite3_bind_int64(q, place, whole);
    }
    if (n > 0 && strspn(text, "+-.0123456789eE") == n) {
        double value = strtod(text, &end);
        if (*end == '\0' && isfinite(value))
            return sqlite3_bind_double(q, place, value);
    }
    return sqlite3_bind_text(q, place, text, (int)n, SQLITE_STATIC);
}

static int bind_text(sqlite3_stmt *q, int place, const char *text)
{
    return text ? sqlite3_bind_text(q, place, text, -1, SQLITE_STATIC)
                : sqlite3_bind_null(q, place);
}

static int bind_figure(sqlite3_stmt *q, int place, double value)
{
    if (isnan(value))
        return sqlite3_bind_null(q, place);
    if (value == floor(value) && fabs(value) < 1e15)
        return sqlite3_bind_int64(q, place, (int64_t)value);
    return sqlite3_bind_double(q, place, value);
}

static int bind_row(const struct store *s, const struct store_row *row, const char *id)
{
    sqlite3_stmt *q = s->insert;
    int place = 9, most = sqlite3_bind_parameter_count(q);
    int code = bind_text(q, 1, id) | bind_text(q, 2, s->version) | bind_text(q, 3, row->name) |
               bind_text(q, 4, row->error) | bind_text(q, 5, row->images) |
               sqlite3_bind_double(q, 6, row->host_s);

    code |= row->result ? sqlite3_bind_blob64(q, 7, row->result, row->n_result, SQLITE_STATIC)
                        : sqlite3_bind_null(q, 7);
    code |= sqlite3_bind_int(q, 8, row->there);
    for (size_t i = 0; i < s->n_key; i++, place++)
        code |= bind_value(q, place, row->key[i]);
    for (size_t i = 0; i < s->n_figure && place <= most; i++, place++)
        code |= bind_figure(q, place, row->figure ? row->figure[i] : NAN);
    return code;
}

static enum err begin(struct store *s, struct err_msg *m)
{
    enum err e = s->in_batch ? ERR_NONE : execute(s, "BEGIN IMMEDIATE", m);

    s->in_batch = !e;
    return e;
}

enum err store_add(struct store *s, const struct store_row *row, struct err_msg *m)
{
    const struct store_id_text id = store_id_text(&row->id);
    enum err e = begin(s, m);

    if (e)
        return e;
    int code = bind_row(s, row, id.text);
    if (!code)
        code = sqlite3_step(s->insert);
    if (code != SQLITE_DONE)
        e = complain(s, m);
    sqlite3_reset(s->insert);
    sqlite3_clear_bindings(s->insert);
    return e;
}

enum err store_flush(struct store *s, struct err_msg *m)
{
    if (!s->in_batch)
        return ERR_NONE;
    s->in_batch = false;
    enum err e = execute(s, "COMMIT", m);
    if (e)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    return e;
}

enum err store_say(struct store *s, const char *key, const char *value, struct err_msg *m)
{
    enum err e = begin(s, m);

    if (e)
        return e;
    char *sql = value ? sqlite3_mprintf("INSERT INTO study VALUES(%Q,%Q) ON CONFLICT(key) DO "
                                        "UPDATE SET value=excluded.value", key, value)
                      : sqlite3_mprintf("DELETE FROM study WHERE key=%Q", key);
    return execute_made(s, sql, m);
}

/* ---- another database ---- */

static bool is_same_file(const char *a, const char *b)
{
    struct stat x, y;

    return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

/* Attaches it as `other`, which may fail halfway. */
static enum err attach(struct store *s, const char *path, struct err_msg *m)
{
    struct stat there;
    int64_t application = 0, schema = 0;

    if (stat(path, &there) != 0)
        return err_set(m, ERR_INPUT, "%.400s: cannot open: %s", path, strerror(errno));
    if (is_same_file(s->path, path))
        return err_set(m, ERR_INPUT, "%.400s: it is the one of --db itself: want it once", path);
    char *sql = sqlite3_mprintf("ATTACH %Q AS other", path);
    int code = sql ? sqlite3_exec(s->db, sql, NULL, NULL, NULL) : SQLITE_NOMEM;
    sqlite3_free(sql);
    enum err e = code ? ERR_INPUT
                      : number(s, "PRAGMA other.application_id", NULL, &application, m);
    if (!e)
        e = number(s, "PRAGMA other.user_version", NULL, &schema, m);
    if (!e && application == APPLICATION && schema == SCHEMA)
        return ERR_NONE;
    return err_set(m, ERR_INPUT, "%.400s: this is no database of a study: want one that "
                   "`imcsim sweep STUDY` wrote", path);
}

/* The names of its columns, quoted, and what becomes of each that is there already. */
static enum err list_columns(struct store *s, sqlite3_str *names, sqlite3_str *sets,
                             struct err_msg *m)
{
    sqlite3_stmt *q = NULL;
    enum err e = ERR_NONE;
    int code = sqlite3_prepare_v2(s->db, "SELECT name FROM pragma_table_info('points','other')",
                                  -1, &q, NULL);

    while (!e && !code && (code = sqlite3_step(q)) == SQLITE_ROW) {
        const char *name = (const char *)sqlite3_column_text(q, 0);
        code = SQLITE_OK;
        e = add_column(s, name, m);
        sqlite3_str_appendf(names, "%s\"%w\"", sqlite3_str_length(names) > 0 ? "," : "", name);
        if (strcmp(name, "id") == 0 || strcmp(name, "version") == 0)
            continue;
        sqlite3_str_appendall(sets, sqlite3_str_length(sets) > 0 ? "," : "");
        if (strcmp(name, "name") == 0)
            sqlite3_str_appendall(sets, "name=coalesce(min(name,excluded.name),name,"
                                  "excluded.name)");
        else if (strcmp(name, "error") == 0)
            sqlite3_str_appendall(sets, "error=CASE WHEN excluded.error IS NULL THEN NULL "
                                  "ELSE error END");
        else
            sqlite3_str_appendf(sets, "\"%w\"=CASE WHEN error IS NOT NULL AND "
                                "excluded.error IS NULL THEN coalesce(excluded.\"%w\",\"%w\") "
                                "ELSE coalesce(\"%w\",excluded.\"%w\") END", name, name, name,
                                name, name);
    }
    if (!e && code != SQLITE_DONE)
        e = complain(s, m);
    sqlite3_finalize(q);
    return e;
}

static enum err copy_rows(struct store *s, struct err_msg *m)
{
    sqlite3_str *names = sqlite3_str_new(s->db), *sets = sqlite3_str_new(s->db);
    enum err e = list_columns(s, names, sets, m);
    char *n = sqlite3_str_finish(names), *all = sqlite3_str_finish(sets);

    char *sql = !e && n && all // "WHERE 1": else ON would be that of a join
                    ? sqlite3_mprintf("INSERT INTO points(%s) SELECT %s FROM other.points WHERE 1 "
                                      "ON CONFLICT(id,version) DO UPDATE SET %s", n, n, all)
                    : NULL;
    if (!e)
        e = execute_made(s, sql, m);
    sqlite3_free(n);
    sqlite3_free(all);
    return e;
}

/* Of a study that has none of it yet. */
static enum err copy_wishes(struct store *s, struct err_msg *m)
{
    int64_t there;
    enum err e = number(s, "SELECT count(*) FROM other.sqlite_master WHERE name='study'", NULL,
                        &there, m);

    if (e || !there)
        return e;
    return execute(s, "INSERT OR IGNORE INTO study SELECT * FROM other.study WHERE key<>'progress'",
                   m);
}

enum err store_merge(struct store *s, const char *path, uint64_t *n, struct err_msg *m)
{
    int64_t rows = 0;
    struct err_msg later;
    enum err e = store_flush(s, m);

    if (!e)
        e = attach(s, path, m);
    if (!e)
        e = begin(s, m);
    if (!e)
        e = copy_rows(s, m);
    if (!e)
        e = copy_wishes(s, m);
    if (!e)
        e = number(s, "SELECT count(*) FROM other.points", NULL, &rows, m);
    enum err end = e ? ERR_NONE : store_flush(s, m);
    if (e && s->in_batch)
        sqlite3_exec(s->db, "ROLLBACK", NULL, NULL, NULL);
    s->in_batch = false;
    (void)execute(s, "DETACH other", &later);
    *n = (uint64_t)rows;
    return e ? e : end;
}
