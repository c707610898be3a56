/* lib/document.h -- a result document: its text, and its numbers by their paths. */
#ifndef LIB_DOCUMENT_H
#define LIB_DOCUMENT_H

#include <stdbool.h>
#include <stdio.h>

#include "core/err.h"
#include "imcsim.h"

struct document { // zero: not made yet
    char          *text; // owned
    struct json_t *json; // owned; NULL until a number is asked for
};

/* Makes the text by write(what), once. NULL on error. */
const char *document_text(struct document *d,
                          enum err (*write)(const void *what, FILE *out, struct err_msg *m),
                          const void *what, struct imcsim_error *e);

/* Of a document whose text has been made. */
bool document_number(struct document *d, const char *path, double *value, struct imcsim_error *e);

void document_release(struct document *d); // takes a zeroed one

/* Puts an error into *to, which may be NULL. */
void tell(struct imcsim_error *to, enum err e, const struct err_msg *m);

#endif
