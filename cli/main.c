/* cli/main.c -- the imcsim command: prints the error, if there is one, and sets the exit status. */
#include <signal.h>
#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"
#include "core/err.h"

int main(int argc, char **argv)
{
    struct err_msg m;

    signal(SIGPIPE, SIG_IGN); // a closed pipe is a failed write like any other,
    signal(SIGXFSZ, SIG_IGN); // and so is a file that reaches its limit
    enum err e = command_dispatch(argc, argv, &m);
    if (!e)
        e = output_flush(&m);
    if (e)
        fprintf(stderr, "imcsim: %s\n", m.text);
    return err_exit_status(e);
}
