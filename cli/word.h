/* cli/word.h -- a word of a command that a message or a list shows. */
#ifndef CLI_WORD_H
#define CLI_WORD_H

/* The word as a shell takes it, in quotes where it needs them; the caller's, NULL without
 * memory. */
char *shell_word(const char *word);

#endif
