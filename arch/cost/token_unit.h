/* arch/cost/token_unit.h -- what a core of a layer of tokens costs per action: attention,
 * normalisation, tables.
 *
 *     mac       b rows of b-bit adders, a 32-bit sum and its register        (b: attention.bits)
 *     multiply  as the digital processor of an array's core scales: 16 rows of 24 bits, a sum
 *     exp, division, root: so many such multiply-adds as the chip's file states
 *     look-up   a word of an SRAM of 256; each lane has one
 *     K/V word  of an SRAM of as many words as the file states; a memory is many of them, and an
 *               access takes one
 *
 * with controller and clock tree of a core that holds four tokens. What no circuit says (steps of a
 * function, bytes from off the chip, floats) is in the chip's file, section `tokens`, each with its
 * origin. Not modelled: the wires inside a core. docs/models/tokens.md.
 */
#ifndef ARCH_COST_TOKEN_UNIT_H
#define ARCH_COST_TOKEN_UNIT_H

#include <stdbool.h>

#include "arch/cost/core_unit.h"

struct token_hardware {
    bool     attends, looks_up;
    uint32_t lanes, exp_lanes; // exp_lanes: of attention
    uint32_t mac_bits;         // of attention; 0: floats
    uint32_t value_bits, word_bits;
    uint32_t channels;           // that it stores of a token
    uint64_t memory_words;       // keys, values and queries of attention
};

/* Reads section `tokens` of a chip's file (for core/datadir.h) into c->token. ERR_INPUT: what of it
 * lacks, prices of floats only where they are wanted. */
enum token_numbers { TOKEN_INTEGERS, TOKEN_FLOATS };
enum err token_facts_load(struct chip_model *c, const char *chip, enum token_numbers numbers,
                          struct err_msg *m);

/* Needs c->token. */
void token_unit(const struct chip_model *c, const struct token_hardware *h, struct core_unit *u);

#endif
