/* test/sweep_table.h -- what the database of a study holds, as text. */
#ifndef TEST_SWEEP_TABLE_H
#define TEST_SWEEP_TABLE_H

/* Every column but the host's time of every row of dir/name, in the order of their ids, the
 * caller's; *n_row rows. */
char *sweep_table(const char *dir, const char *name, int *n_row);

#endif
