/* report/form.h -- what there is to say of a result: its tables, the text around them, its
 * document.
 *
 * Whoever shows a result chooses among them; a form knows nothing of options and files.
 */
#ifndef REPORT_FORM_H
#define REPORT_FORM_H

#include <stdbool.h>
#include <stdio.h>

#include "core/err.h"
#include "report/table.h"

typedef enum err output_writer(const void *what, FILE *out, struct err_msg *m);

struct sheet {
    const char *name;   // "layers", for --table and the names of files
    bool        detail; // not in the text: long
    struct table *(*make)(const void *what); // an empty table is left out; NULL: no memory
};

struct form { // its functions take the result
    const struct sheet *sheet;                // ends with a NULL name
    void (*head)(const void *what, FILE *out); // the text before the tables, or NULL
    void (*tail)(const void *what, FILE *out); // and behind them, or NULL
    output_writer *json;
};

#endif
