/* test/sweep_table.c -- see sweep_table.h. */
#include "test/sweep_table.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>
#include <sqlite3.h>

#include "test/tmpdir.h"

char *sweep_table(const char *dir, const char *name, int *n_row)
{
    char path[TMPDIR_PATH_MAX], *text;
    size_t size;
    sqlite3 *db;
    sqlite3_stmt *q;
    FILE *f = open_memstream(&text, &size);

    assert_non_null(f);
    assert_int_equal(sqlite3_open_v2(tmpdir_path(path, dir, name), &db, SQLITE_OPEN_READONLY,
                                     NULL), SQLITE_OK);
    assert_int_equal(sqlite3_prepare_v2(db, "SELECT * FROM points ORDER BY id", -1, &q, NULL),
                     SQLITE_OK);
    for (*n_row = 0; sqlite3_step(q) == SQLITE_ROW; ++*n_row)
        for (int c = 0; c < sqlite3_column_count(q); c++) {
            if (strcmp(sqlite3_column_name(q, c), "host_s") == 0)
                continue;
            fprintf(f, "%s %d ", sqlite3_column_name(q, c), sqlite3_column_bytes(q, c));
            const unsigned char *byte = sqlite3_column_blob(q, c);
            for (int i = 0; i < sqlite3_column_bytes(q, c); i++)
                fprintf(f, byte[i] > 31 && byte[i] < 127 ? "%c" : "<%02x>", byte[i]);
            fputc('\n', f);
        }
    sqlite3_finalize(q);
    sqlite3_close(db);
    fputc('\0', f);
    fclose(f);
    return text;
}
