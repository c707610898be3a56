/* test/token_machine.h -- transformers of the built-in family, and machines for them whose links
 * and ports set no pace.
 */
#ifndef TEST_TOKEN_MACHINE_H
#define TEST_TOKEN_MACHINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "study/study.h"
#include "test/random_study.h"

struct token_machine { // and its network
    uint32_t layers, hidden, heads, kv_heads, ffn, sequence, rows;
    bool     causal, pre, gated, fused;
    uint32_t classes, vocabulary, size, patch;
    uint32_t cores; // of attention; 0: per head
    uint32_t lanes, exp_lanes, banks, norm_lanes;
};

struct token_machine token_machine_plain(void); // BERT-base, a query in one timestep

/* Small ones, of every sort whose time has a closed form; and others: heads that share keys, gates,
 * heads of networks, patches, slow norms, A that grows. */
struct token_machine token_machine_random(uint64_t seed);
struct token_machine token_machine_odd(uint64_t seed);

enum { TOKEN_MOST_SET = 48, TOKEN_TEXT = 64 };

struct token_settings { // of a command line
    char        text[TOKEN_MOST_SET][TOKEN_TEXT];
    const char *set[TOKEN_MOST_SET];
    size_t      n;
};

void token_set(struct token_settings *s, const char *key, uint64_t value);
void token_set_word(struct token_settings *s, const char *key, const char *word);
void token_machine_settings(struct token_settings *s, const struct token_machine *m);

/* The study of a machine; fails the test where it has none. */
void token_machine_load(struct study *s, const struct token_machine *m);

/* That of an odd one, small enough to be stepped core by core. */
void token_study_make(struct random_study *s, unsigned seed);

/* Of a random transformer with values, whose tokens are maps of one or more rows. */
void token_map_study_make(struct random_study *s, unsigned seed);

/* The same, of one of whose norms read sums, or where the seed has none the next that has. */
void token_sums_study_make(struct random_study *s, unsigned seed);

#endif
