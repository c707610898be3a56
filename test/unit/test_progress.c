/* Who waits at a terminal sees how far a long command is: one line, wiped at the end. */
#define _XOPEN_SOURCE 700 // posix_openpt()
#include <fcntl.h>
#include <poll.h>
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

#include "test/cli_rig.h"

enum { MOST_SAID = 1 << 16 };

/* What imcsim writes to standard error where that is a terminal. */
static void on_a_terminal(const char *arguments, char said[MOST_SAID])
{
    char program[1024], command[2048];
    int master = posix_openpt(O_RDWR | O_NOCTTY), slave, status = 0;
    size_t n = 0;
    bool ended = false;

    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    slave = open(ptsname(master), O_RDWR | O_NOCTTY); // so that it stays one
    assert_true(slave >= 0);
    find_imcsim(program);
    snprintf(command, sizeof command, "'%s' %s </dev/null >/dev/null 2>%s", program, arguments,
             ptsname(master));
    pid_t child = fork();
    if (child == 0) {
        execl("/bin/sh", "sh", "-c", command, (char *)NULL);
        _exit(127);
    }
    assert_true(child > 0);
    for (;;) {
        struct pollfd p = { .fd = master, .events = POLLIN };
        if (poll(&p, 1, 20) > 0) {
            ssize_t got = read(master, said + n, MOST_SAID - 1 - n);
            assert_true(got > 0);
            n += (size_t)got;
        } else if (ended)
            break;
        else
            ended = waitpid(child, &status, WNOHANG) == child;
    }
    said[n] = '\0';
    close(slave);
    close(master);
}

#define TEST_IMAGES "/usr/share/datasets/fashion-mnist/t10k-images-idx3-ubyte.gz"

#define SKIPS                                                                                   \
    " --set core.crossbar.input_slice_bits=1 --set core.crossbar.rows_at_once=7 "               \
    "--set core.crossbar.skip_zero_rows=yes"

static void a_long_command_says_how_far_it_is(void **state)
{
    static const struct {
        const char *arguments, *want;
    } cases[] = {
        { "map configs/resnet32.yaml --set fabric.kind=mesh --set placement.kind=anneal "
          "--set placement.moves=6000000", " of 6,000,000 moves, " },
        { "run configs/resnet32.yaml --set clocking.kind=elastic --set fabric.kind=mesh "
          "--set placement.kind=anneal --set placement.moves=6000000",
          " of 6,000,000 moves, " },
        { "compare configs/resnet32.yaml --set clocking.kind=elastic --set fabric.kind=mesh "
          "--set placement.kind=anneal --set placement.moves=6000000",
          " of 6,000,000 moves, " },
        { "map configs/vit_base.yaml --set fabric.kind=adjacent --set placement.kind=search "
          "--set 'fabric.reach.row=[1,2,3,4,5,6,7,8]' --set 'fabric.reach.column=[1,2,3,4,5,6,7,8]'"
          " --set 'fabric.reach.diagonal=[1,2,3]' --set fabric.rows=30 --set fabric.columns=30 "
          "--set placement.moves=20000", " of 20,000 moves, " },
        { "run configs/resnet32_fmnist.yaml --set clocking.kind=elastic --images random --count 32"
          SKIPS, "16 of 32 images, " },
        { "run configs/resnet32.yaml --set clocking.kind=elastic --count 20 --trace /dev/null",
          " clocks, " },
        { "compare configs/resnet32_fmnist.yaml --count 3000 --images " TEST_IMAGES,
          " of 3,000 images, " },
    };
    static char said[MOST_SAID];

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        on_a_terminal(cases[i].arguments, said);
        if (!strstr(said, cases[i].want) || !strstr(said, " s left\033[K"))
            fail_msg("%s: want \"%s\" in: %s", cases[i].arguments, cases[i].want, said);
    }
}

static void who_wants_errors_alone_sees_none_of_it(void **state)
{
    static char said[MOST_SAID];

    (void)state;
    on_a_terminal("map configs/resnet32.yaml --set fabric.kind=mesh --set placement.kind=anneal "
                  "--set placement.moves=6000000 --log-level error", said);
    assert_string_equal(said, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_long_command_says_how_far_it_is),
        cmocka_unit_test(who_wants_errors_alone_sees_none_of_it),
    };
    return cmocka_run_group_tests_name("progress", tests, NULL, NULL);
}
