/* test/corpus.h -- replays a fuzz target's corpus without a fuzzer, in plain `make test`.
 *
 * test/fuzz/fuzz_x.c defines LLVMFuzzerTestOneInput(), which aborts where a property fails, and its
 * inputs lie in test/fuzz/corpus/x; test/unit/test_fuzz_corpus_x.c includes it and replays them.
 * Needs the repository's root as the current directory, as `make` has it.
 */
#ifndef TEST_CORPUS_H
#define TEST_CORPUS_H

#include <stddef.h>
#include <stdint.h>

/* Runs target on every file in dir. Returns how many there were: 0 is a failure of the test. */
size_t corpus_replay(const char *dir, int (*target)(const uint8_t *bytes, size_t n));

#endif
