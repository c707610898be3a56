/* Tests of core/pages.h against what it says of the bytes it gives. */
#define _GNU_SOURCE // F_SETPIPE_SZ
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "core/pages.h"
#include "test/cli_rig.h"

#ifndef __has_feature
#define __has_feature(feature) 0
#endif
#if defined(__SANITIZE_ADDRESS__) || __has_feature(address_sanitizer)
#define OTHER_MALLOC 1 // which keeps what is released on purpose
#else
#define OTHER_MALLOC 0
#endif

enum { LINE = 64, MIB = 1 << 20 };

static const size_t sizes[] = {
    0, 1, LINE - 1, LINE, LINE + 1, 4096, MIB - 1, MIB, MIB + 1, 2 * MIB, 2 * MIB + 1, 5 * MIB,
};

enum { N_SIZE = sizeof sizes / sizeof *sizes };

static size_t n_not_zero(const uint8_t *byte, size_t n)
{
    size_t count = 0;

    for (size_t i = 0; i < n; i++)
        count += byte[i] != 0;
    return count;
}

static void bytes_are_zero_from_a_cache_line_on_also_where_others_were(void **state)
{
    (void)state;
    for (int round = 0; round < 2; round++)
        for (int i = 0; i < N_SIZE; i++) {
            uint8_t *byte = pages_new(sizes[i]);
            assert_non_null(byte);
            assert_int_equal((uintptr_t)byte % LINE, 0);
            assert_int_equal(n_not_zero(byte, sizes[i]), 0);
            memset(byte, 0xA5, sizes[i]); // the next round may be given the same
            free(byte);
        }
}

static void much_begins_where_a_large_page_can(void **state)
{
    (void)state;
    for (int i = 0; i < N_SIZE; i++) {
        uint8_t *byte = pages_new(sizes[i]);
        assert_non_null(byte);
        if (sizes[i] > MIB)
            assert_int_equal((uintptr_t)byte % (2 * MIB), 0);
        free(byte);
    }
}

static void blocks_that_live_at_once_share_no_byte(void **state)
{
    uint8_t *block[N_SIZE];

    (void)state;
    for (int i = 0; i < N_SIZE; i++) {
        block[i] = pages_new(sizes[i]);
        assert_non_null(block[i]);
        memset(block[i], i + 1, sizes[i]);
    }
    for (int i = 0; i < N_SIZE; i++) {
        size_t differ = 0;
        for (size_t k = 0; k < sizes[i]; k++)
            differ += block[i][k] != i + 1;
        assert_int_equal(differ, 0);
        free(block[i]);
    }
}

static void more_than_there_is_gives_nothing(void **state)
{
    (void)state;
    for (size_t less = 0; less < 3 * MIB; less += MIB / 2) // rounding up to pages must not wrap
        assert_null(pages_new(SIZE_MAX - less));
    assert_null(pages_new(SIZE_MAX / 2 + 1));
}

static size_t resident_bytes(void)
{
    size_t all, resident;
    FILE *f = fopen("/proc/self/statm", "r");

    assert_non_null(f);
    assert_int_equal(fscanf(f, "%zu %zu", &all, &resident), 2);
    fclose(f);
    return resident * (size_t)sysconf(_SC_PAGESIZE);
}

/* The last block keeps the heap from being cut at its end. */
static void what_was_released_goes_back_to_the_host(void **state)
{
    enum { BLOCKS = 4096, BLOCK = 16 << 10, ALL = BLOCKS * BLOCK };
    void **block = calloc(BLOCKS, sizeof *block);

    (void)state;
    assert_non_null(block);
    for (int i = 0; i < BLOCKS; i++) {
        block[i] = malloc(BLOCK);
        assert_non_null(block[i]);
        memset(block[i], 1, BLOCK);
    }
    size_t most = resident_bytes();
    for (int i = 0; i < BLOCKS - 1; i++)
        free(block[i]);
    if (resident_bytes() > most - ALL / 2) { // else the C library is not one that keeps it
        pages_give_back();
        assert_in_range(resident_bytes(), 0, OTHER_MALLOC ? SIZE_MAX : most - ALL / 2);
    }
    free(block[BLOCKS - 1]);
    free(block);
}

/* Areas of a process that may become large: how many, and whether they begin as a large page. */
static int wished_for(pid_t pid, bool *aligned)
{
    char path[64], line[512];
    unsigned long begin = 0;
    int n = 0;

    snprintf(path, sizeof path, "/proc/%ld/smaps", (long)pid);
    FILE *f = fopen(path, "r");
    assert_non_null(f);
    *aligned = true;
    while (fgets(line, sizeof line, f)) {
        unsigned long at;
        if (strchr(line, '-') && sscanf(line, "%lx-", &at) == 1)
            begin = at;
        if (strncmp(line, "VmFlags:", 8) == 0 && strstr(line, " hg")) {
            n++;
            *aligned = *aligned && begin % (2 * MIB) == 0;
        }
    }
    fclose(f);
    return n;
}

/* While the command waits for the reader of a pipe that takes a page. */
static void small_blocks_of_a_command_may_lie_in_a_large_page(void **state)
{
    char path[1024], byte;
    int pipes[2];
    bool aligned;

    (void)state;
    if (OTHER_MALLOC || access("/sys/kernel/mm/transparent_hugepage/enabled", R_OK) != 0)
        return;
    find_imcsim(path);
    assert_int_equal(pipe(pipes), 0);
    assert_true(fcntl(pipes[1], F_SETPIPE_SZ, 4096) >= 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(pipes[1], STDOUT_FILENO);
        close(pipes[0]);
        close(pipes[1]);
        execl(path, path, "help", "config", (char *)NULL);
        _exit(127);
    }
    close(pipes[1]);
    assert_int_equal(read(pipes[0], &byte, 1), 1);
    assert_int_equal(wished_for(pid, &aligned), 1);
    assert_true(aligned);
    close(pipes[0]);
    waitpid(pid, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_released_goes_back_to_the_host),
        cmocka_unit_test(small_blocks_of_a_command_may_lie_in_a_large_page),
        cmocka_unit_test(bytes_are_zero_from_a_cache_line_on_also_where_others_were),
        cmocka_unit_test(much_begins_where_a_large_page_can),
        cmocka_unit_test(blocks_that_live_at_once_share_no_byte),
        cmocka_unit_test(more_than_there_is_gives_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
