/* study/decode_price.h -- what a machine takes that decodes tokens: counts of its run times the
 * unit costs of its chip, by block.
 *
 * A decoded token takes what the run does beyond its prompts alone, shared by the tokens:
 *
 *     token = (all - prompts) / (decode.tokens * decode.streams)
 *
 * leakage over the timesteps of each included. Reads of keys and values grow from token to token;
 * the mean is told.
 */
#ifndef STUDY_DECODE_PRICE_H
#define STUDY_DECODE_PRICE_H

#include <stdbool.h>

#include "study/decode.h"
#include "study/price.h"

struct decode_price { // pJ, leakage included
    double all, token;               // of the whole run; of a decoded token
    double token_block[N_PRICE_ALL];
    bool   has_block[N_PRICE_ALL];
};

/* Of a decoder's run; s, the study that it was made of, names prices. ERR_INPUT as pricing(). */
enum err decode_price(struct decode_price *price, const struct study *s, const struct decoder *d,
                      const struct run_result *run, struct err_msg *m);

#endif
