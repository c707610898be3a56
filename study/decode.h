/* study/decode.h -- a machine of tokens that decodes: prompts, and then one token after the other,
 * of several sequences in turn.
 *
 * The network of a study is that of whole sequences. Here it is made again, with a row of the map
 * for each of decode.streams sequences of decode.prompt + decode.tokens, and planned so that each
 * decoded token comes when the one before has its answer (dataflow/plan/decode.h). What a run of
 * that plan counts, of a chip that is stepped or by its timetable, is what decoding takes: one
 * "image" is all of it.
 */
#ifndef STUDY_DECODE_H
#define STUDY_DECODE_H

#include "study/run.h"
#include "study/study.h"

struct decoder { // stays where it is: the plan points into it
    struct config  config; // borrows what the study's owns
    struct network network;
    struct plan    plan;
};

/* Whether a study's configuration asks for decoded tokens. */
bool decoder_wanted(const struct study *s);

/* Of a study with its plan, which is released later. ERR_INPUT: a network that is no family's, or
 * does not decode; a chip that it does not fit. On error *d is zero. */
enum err decoder_make(struct decoder *d, const struct study *s, struct err_msg *m);
void decoder_release(struct decoder *d); // takes a zeroed one

struct decoder_times { // in timesteps
    uint64_t prompt;     // to the answer behind the prompt, of the last sequence
    uint64_t first;      // in which the first decoded token comes
    uint64_t all;        // elapsed to the last answer
    uint64_t last_token; // from when the last token comes until its answer has been sampled
    double   tokens_per_s; // decoded, of all sequences, from `first` on
};
struct decoder_times decoder_times(const struct decoder *d);

#endif
