/* cli/signals.c -- see signals.h. A handler may call few functions and own nothing: what it says is
 * put together by hand, and what it reads is atomic. */
#include "cli/signals.h"

#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include "core/outfile.h"

static _Atomic uint64_t images_done, images_all; // of the process, as signals are
static _Atomic int kept;

struct line {
    char   text[320];
    size_t n;
};

static void add(struct line *l, const char *text)
{
    size_t n = strlen(text);

    if (l->n + n > sizeof l->text)
        return;
    memcpy(l->text + l->n, text, n);
    l->n += n;
}

static void add_count(struct line *l, uint64_t value)
{
    char digits[32] = "";
    size_t at = sizeof digits - 1, n = 0;

    do {
        if (n > 0 && n % 3 == 0)
            digits[--at] = ',';
        digits[--at] = (char)('0' + value % 10);
        n++;
    } while ((value /= 10) > 0);
    add(l, digits + at);
}

static void begin_line(struct line *l, int signal_number)
{
    add(l, "imcsim: ended by ");
    add(l, signal_number == SIGINT ? "Ctrl-C" : signal_number == SIGHUP ? "SIGHUP" : "SIGTERM");
}

static void say_how_far(int signal_number)
{
    uint64_t n_image = atomic_load(&images_all);
    struct line l = { .n = 0 };

    begin_line(&l, signal_number);
    if (n_image > 0) {
        add(&l, " after ");
        add_count(&l, atomic_load(&images_done));
        add(&l, " of ");
        add_count(&l, n_image);
        add(&l, " images");
    }
    add(&l, "; no unfinished file was left\n");
    (void)!write(STDERR_FILENO, l.text, l.n);
}

static void end(int signal_number)
{
    outfile_remove_temps();
    if (signal_number != SIGPIPE)
        say_how_far(signal_number);
    _exit(128 + signal_number);
}

static void keep(int signal_number)
{
    if (signal_number != SIGPIPE)
        atomic_store(&kept, signal_number);
}

static void handle_with(void (*handler)(int signal_number))
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP, SIGPIPE };
    struct sigaction act = { .sa_handler = handler }, was;

    sigfillset(&act.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        bool ignored = sigaction(numbers[i], NULL, &was) == 0 && was.sa_handler == SIG_IGN;
        if (!ignored || numbers[i] == SIGPIPE) // nohup means it; of pipes a parent forgot it
            sigaction(numbers[i], &act, NULL);
    }
}

void signals_install(void)
{
    handle_with(end);
    signal(SIGXFSZ, SIG_IGN); // a file that reaches its limit is a failed write like any other
}

void signals_keep(void)
{
    handle_with(keep);
}

int signals_kept(void)
{
    return atomic_load(&kept);
}

void signals_exit(int signal_number, const char *how_far)
{
    struct line l = { .n = 0 };

    begin_line(&l, signal_number);
    add(&l, how_far);
    add(&l, "\n");
    (void)!write(STDERR_FILENO, l.text, l.n);
    _exit(128 + signal_number);
}

void signals_note(uint64_t done, uint64_t n_image)
{
    atomic_store(&images_done, done);
    atomic_store(&images_all, n_image);
}
