/* cli/main.c -- the imcsim command: prints the error, if there is one, and sets the exit status. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <unistd.h>

#include "cli/command.h"
#include "cli/output.h"
#include "core/err.h"

/* A standard stream that the caller closed must not become the number of a file of ours: what is
 * opened in its place can be neither read nor written. */
static void occupy_standard_streams(void)
{
    static const int mode[] = { O_WRONLY, O_RDONLY, O_RDONLY };

    for (int fd = STDIN_FILENO; fd <= STDERR_FILENO; fd++)
        if (fcntl(fd, F_GETFD) < 0 && open("/dev/null", mode[fd]) < 0)
            _exit(1);
}

int main(int argc, char **argv)
{
    struct err_msg m;

    occupy_standard_streams();
    signal(SIGPIPE, SIG_IGN); // a closed pipe is a failed write like any other
    enum err e = command_dispatch(argc, argv, &m);
    if (!e)
        e = output_flush(&m);
    if (e)
        fprintf(stderr, "imcsim: %s\n", m.text);
    return err_exit_status(e);
}
