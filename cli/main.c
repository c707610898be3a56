/* cli/main.c -- the imcsim command: prints the error, if there is one, and sets the exit status. */
#include <stdio.h>

#include "cli/command.h"
#include "cli/output.h"
#include "cli/signals.h"
#include "core/err.h"
#include "core/pages.h"

int main(int argc, char **argv)
{
    struct err_msg m;

    pages_begin();
    signals_install();
    enum err e = command_dispatch(argc, argv, &m);
    if (!e)
        e = output_flush(&m);
    if (e)
        fprintf(stderr, "imcsim: %s\n", m.text);
    return err_exit_status(e);
}
