/* report/json.h -- building and writing result documents with jansson.
 *
 * A failed allocation turns the object or array into NULL, and a NULL put into another turns that
 * into NULL too, so that building needs no checks: json_print() reports it. Keys keep the order in
 * which they were put; the same document always gives the same bytes.
 */
#ifndef REPORT_JSON_H
#define REPORT_JSON_H

#include <stdint.h>
#include <stdio.h>

#include <jansson.h>

#include "core/err.h"

/* Each takes over the reference to value. */
void json_put(json_t **object, const char *key, json_t *value);
void json_add(json_t **array, json_t *value);

void json_put_text(json_t **object, const char *key, const char *text); // see json_text()
void json_put_count(json_t **object, const char *key, uint64_t value);
void json_put_real(json_t **object, const char *key, double value); // finite

/* text as a JSON string; if it is not UTF-8 (a name out of a hostile file), '?' for each byte that
 * is not ASCII. */
json_t *json_text(const char *text);

/* Writes doc, indented, with a flat object or array on one line, reals with 15 digits. Takes over
 * the reference. */
enum err json_print(json_t *doc, FILE *out, struct err_msg *m);

/* The same bytes, n of them, the caller's. */
enum err json_bytes(json_t *doc, char **text, size_t *n, struct err_msg *m);

#endif
