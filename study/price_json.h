/* study/price_json.h -- a price report as sections of a result document. */
#ifndef STUDY_PRICE_JSON_H
#define STUDY_PRICE_JSON_H

#include "study/price.h"

/* The sections "energy" and "area" of a result document, spec of `imcsim run`: plain numbers that
 * sum to the total of their section. The caller owns the references; NULL without memory. */
struct json_t *price_energy_json(const struct price_report *r);
struct json_t *price_area_json(const struct price_report *r);

#endif
