/* study/sweep/packed.h -- documents as a database keeps them: gzip. */
#ifndef STUDY_SWEEP_PACKED_H
#define STUDY_SWEEP_PACKED_H

#include <stddef.h>

#include "core/err.h"
#include "study/sweep/pool.h"

struct packer { // zeroed: it is made when it is first needed
    struct z_stream_s *stream; // owned
};
void packer_release(struct packer *p); // takes a zeroed one

/* Adds the text, packed, to a message. The bytes depend on the text alone. */
enum err packed_add(struct packer *p, struct message *to, const char *text, size_t n,
                    struct err_msg *m);

/* The text of packed bytes, the caller's, with a 0 behind it. ERR_INPUT: they are none, or the text
 * is longer than a document can be. */
enum err packed_text(char **text, const void *bytes, size_t n, struct err_msg *m);

#endif
