/* test/onnx_data.h -- ONNX's own test data, as Debian's libonnx-testdata installs it: groups of
 * directories, each a model with inputs and the outputs that it wants. */
#ifndef TEST_ONNX_DATA_H
#define TEST_ONNX_DATA_H

#define ONNX_DATA "/usr/share/libonnx-testdata/data/"

/* Visits the tests of a group ("node") in the order of their names; directory is the whole path.
 * Returns how many there are; where there is none the running test is skipped. */
int onnx_data_visit(const char *group,
                    void (*visit)(void *user, const char *name, const char *directory), void *user);

#endif
