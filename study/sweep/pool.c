/* study/sweep/pool.c -- see pool.h. A worker and its maker talk through one pair of sockets: pieces
 * go there as numbers, messages come back behind their piece and length. */
#include "study/sweep/pool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    QUEUE = 4, // pieces that a worker has, so that none waits for the next
    CHUNK = 1 << 16
};

struct header { // of a message
    uint64_t piece, n;
};

struct worker {
    pid_t          pid; // 0: none
    int            fd;
    uint64_t       piece[QUEUE]; // the first is in work
    uint32_t       n_piece;
    double         since_s; // that one was begun
    bool           overdue; // and the worker ended for it
    struct message in;
    size_t         taken; // bytes of it that are reported
};

struct pool {
    struct pool_cfg cfg;
    struct worker  *worker; // owned; [cfg.n_worker]
    struct pollfd  *poll;   // owned; likewise
    uint64_t       *back;   // owned; [n_worker * QUEUE] pieces of workers that ended
    size_t          n_back;
    uint8_t        *mark;   // owned; [n_worker * n_mark + 1], shared with them
    uint64_t        n_pending;
    uint32_t        turn; // worker to look at first
};

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

/* ---- messages ---- */

bool message_reserve(struct message *m, size_t n)
{
    if (n <= m->room - m->n)
        return true;
    if (n > SIZE_MAX / 2 - m->n)
        return false;
    size_t room = 2 * (m->n + n);
    uint8_t *more = realloc(m->byte, room);
    if (!more)
        return false;
    m->byte = more;
    m->room = room;
    return true;
}

bool message_add(struct message *m, const void *bytes, size_t n)
{
    if (!message_reserve(m, n))
        return false;
    if (n > 0)
        memcpy(m->byte + m->n, bytes, n);
    m->n += n;
    return true;
}

void message_release(struct message *m)
{
    free(m->byte);
    *m = (struct message){ NULL, 0, 0 };
}

/* ---- in a worker ---- */

static bool get(int fd, void *bytes, size_t n)
{
    for (uint8_t *at = bytes; n > 0;) {
        ssize_t got = recv(fd, at, n, 0);
        if (got < 0 && errno == EINTR)
            continue;
        if (got <= 0)
            return false;
        at += got;
        n -= (size_t)got;
    }
    return true;
}

static bool put(int fd, const void *bytes, size_t n)
{
    for (const uint8_t *at = bytes; n > 0;) {
        ssize_t sent = send(fd, at, n, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR)
            continue;
        if (sent <= 0)
            return false;
        at += sent;
        n -= (size_t)sent;
    }
    return true;
}

/* Until the other end is gone. The message is sent in one piece with its header. */
static void serve(const struct pool_cfg *cfg, int fd, void *mark)
{
    struct message found = { NULL, 0, 0 };
    struct header h;

    for (;;) {
        found.n = 0;
        if (!get(fd, &h.piece, sizeof h.piece))
            _exit(0);
        if (!message_add(&found, &h, sizeof h))
            _exit(1);
        memset(mark, 0, cfg->n_mark);
        cfg->work(cfg->user, h.piece, &found, mark);
        h.n = found.n - sizeof h;
        memcpy(found.byte, &h, sizeof h);
        if (!put(fd, found.byte, found.n))
            _exit(0);
    }
}

static void *mark_of(const struct pool *p, const struct worker *w)
{
    return p->mark + (size_t)(w - p->worker) * p->cfg.n_mark;
}

static void become_worker(const struct pool *p, const struct worker *w, int fd)
{
    static const int numbers[] = { SIGINT, SIGTERM, SIGHUP };
    struct sigaction ignore = { .sa_handler = SIG_IGN };

    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        sigaction(numbers[i], &ignore, NULL);
    for (uint32_t i = 0; i < p->cfg.n_worker; i++) // of the others, which else outlive their maker
        if (p->worker[i].pid > 0)
            close(p->worker[i].fd);
    serve(&p->cfg, fd, mark_of(p, w));
}

/* ---- their maker ---- */

static enum err start(struct pool *p, struct worker *w, struct err_msg *m)
{
    int fd[2];

    if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd))
        return err_set(m, ERR_RUN, "cannot make a worker: %s: want fewer --jobs", strerror(errno));
    pid_t pid = fork();
    if (pid < 0) {
        close(fd[0]);
        close(fd[1]);
        return err_set(m, ERR_RUN, "cannot make a worker: %s: want fewer --jobs", strerror(errno));
    }
    if (pid == 0) {
        close(fd[0]);
        become_worker(p, w, fd[1]);
    }
    close(fd[1]);
    struct message in = w->in; // the memory stays
    in.n = 0;
    *w = (struct worker){ .pid = pid, .fd = fd[0], .in = in };
    return ERR_NONE;
}

static size_t marks_of(const struct pool_cfg *cfg)
{
    return cfg->n_worker * cfg->n_mark + 1;
}

/* Zeroed memory that children share; NULL: none. */
static uint8_t *share(size_t n)
{
    int fd = open("/dev/zero", O_RDWR);
    void *bytes = fd < 0 ? MAP_FAILED
                         : mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

    if (fd >= 0)
        close(fd);
    return bytes == MAP_FAILED ? NULL : bytes;
}

enum err pool_new(struct pool **out, const struct pool_cfg *cfg, struct err_msg *m)
{
    struct pool *p = calloc(1, sizeof *p);
    enum err e = ERR_NONE;

    *out = NULL;
    if (p) {
        p->cfg = *cfg;
        p->worker = calloc(cfg->n_worker, sizeof *p->worker);
        p->poll = calloc(cfg->n_worker, sizeof *p->poll);
        p->back = calloc((size_t)cfg->n_worker * QUEUE, sizeof *p->back);
        p->mark = share(marks_of(cfg));
    }
    if (!p || !p->worker || !p->poll || !p->back || !p->mark)
        e = err_set(m, ERR_MEMORY, "no memory for %u workers", (unsigned)cfg->n_worker);
    for (uint32_t i = 0; !e && i < cfg->n_worker; i++)
        e = start(p, &p->worker[i], m);
    if (e)
        pool_free(p);
    else
        *out = p;
    return e;
}

/* Returns its status. */
static int end(struct worker *w, int signal_number)
{
    int status = 0;

    if (signal_number)
        kill(w->pid, signal_number);
    while (waitpid(w->pid, &status, 0) < 0 && errno == EINTR)
        ;
    close(w->fd);
    w->pid = 0;
    return status;
}

void pool_free(struct pool *p)
{
    if (!p)
        return;
    for (uint32_t i = 0; p->worker && i < p->cfg.n_worker; i++) {
        if (p->worker[i].pid > 0)
            end(&p->worker[i], SIGKILL);
        message_release(&p->worker[i].in);
    }
    free(p->worker);
    free(p->poll);
    free(p->back);
    if (p->mark)
        munmap(p->mark, marks_of(&p->cfg));
    free(p);
}

uint64_t pool_pending(const struct pool *p)
{
    return p->n_pending;
}

/* The worker with the fewest pieces. */
static struct worker *idlest(const struct pool *p)
{
    struct worker *least = &p->worker[0];

    for (uint32_t i = 1; i < p->cfg.n_worker; i++)
        if (p->worker[i].n_piece < least->n_piece)
            least = &p->worker[i];
    return least;
}

bool pool_wants(const struct pool *p)
{
    return p->n_back == 0 && idlest(p)->n_piece < QUEUE;
}

/* A worker that has ended does not take it; its end will be noticed, with the piece. */
static void hand(struct pool *p, uint64_t piece)
{
    struct worker *w = idlest(p);

    if (w->n_piece == 0)
        w->since_s = now_s();
    w->piece[w->n_piece++] = piece;
    (void)put(w->fd, &piece, sizeof piece);
}

enum err pool_give(struct pool *p, uint64_t piece, struct err_msg *m)
{
    if (!pool_wants(p))
        return err_set(m, ERR_RUN, "no worker wants a piece");
    hand(p, piece);
    p->n_pending++;
    return ERR_NONE;
}

static void drop_first(struct worker *w)
{
    w->n_piece--;
    memmove(w->piece, w->piece + 1, w->n_piece * sizeof *w->piece);
    w->since_s = now_s();
}

/* A whole message that has come. */
static bool take_message(struct pool *p, struct worker *w, struct pool_event *event)
{
    struct header h;

    if (w->taken > 0) { // the last one is no longer looked at
        w->in.n -= w->taken;
        memmove(w->in.byte, w->in.byte + w->taken, w->in.n);
        w->taken = 0;
    }
    if (w->in.n < sizeof h)
        return false;
    memcpy(&h, w->in.byte, sizeof h);
    if (w->in.n - sizeof h < h.n || w->n_piece == 0 || w->piece[0] != h.piece)
        return false;
    *event = (struct pool_event){ h.piece, w->in.byte + sizeof h, h.n, "", NULL };
    w->taken = sizeof h + h.n;
    drop_first(w);
    p->n_pending--;
    return true;
}

static void say_end(char *reason, size_t size, const struct worker *w, int status, double limit_s)
{
    static const struct {
        int         number;
        const char *name;
    } names[] = { { SIGSEGV, "SIGSEGV" }, { SIGABRT, "SIGABRT" }, { SIGBUS, "SIGBUS" },
                  { SIGFPE, "SIGFPE" },   { SIGILL, "SIGILL" },   { SIGKILL, "SIGKILL" },
                  { SIGTERM, "SIGTERM" }, { SIGXCPU, "SIGXCPU" } };
    int number = WIFSIGNALED(status) ? WTERMSIG(status) : 0;

    if (w->overdue) {
        snprintf(reason, size, "it took longer than --limit %g s", limit_s);
        return;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].number == number) {
            snprintf(reason, size, "its process was ended by %s", names[i].name);
            return;
        }
    if (number)
        snprintf(reason, size, "its process was ended by signal %d", number);
    else
        snprintf(reason, size, "its process ended with status %d", WEXITSTATUS(status));
}

/* The worker is gone: its first piece is reported, where it had one, the others go back. */
static enum err bury(struct pool *p, struct worker *w, struct pool_event *event, bool *there,
                     struct err_msg *m)
{
    int status = end(w, w->overdue ? SIGKILL : 0);

    if (w->n_piece > 0) {
        *event = (struct pool_event){ .piece = w->piece[0], .mark = mark_of(p, w) };
        say_end(event->reason, sizeof event->reason, w, status, p->cfg.limit_s);
        for (uint32_t i = 1; i < w->n_piece; i++)
            p->back[p->n_back++] = w->piece[i];
        p->n_pending--;
        *there = true;
    }
    w->taken = 0;
    return start(p, w, m);
}

/* Reads all that there is; *gone: the worker is. */
static enum err receive(struct worker *w, bool *gone, struct err_msg *m)
{
    uint8_t bytes[CHUNK];
    ssize_t n;

    while ((n = recv(w->fd, bytes, sizeof bytes, MSG_DONTWAIT)) > 0)
        if (!message_add(&w->in, bytes, (size_t)n))
            return err_set(m, ERR_MEMORY, "no memory for a worker's results");
    *gone = n == 0 || (errno != EAGAIN && errno != EWOULDBLOCK && errno != EINTR);
    return ERR_NONE;
}

/* Milliseconds until a piece is overdue, at most wait_ms. */
static int patience(const struct pool *p, int wait_ms)
{
    double now = now_s(), least = wait_ms;

    for (uint32_t i = 0; p->cfg.limit_s > 0 && i < p->cfg.n_worker; i++) {
        const struct worker *w = &p->worker[i];
        double left_ms = (w->since_s + p->cfg.limit_s - now) * 1000;
        if (w->n_piece > 0 && left_ms < least)
            least = left_ms;
    }
    return least > 0 ? (int)least + (least < wait_ms) : 0; // up: what is overdue is so then
}

static bool is_overdue(const struct pool *p, const struct worker *w)
{
    return p->cfg.limit_s > 0 && w->n_piece > 0 && now_s() - w->since_s > p->cfg.limit_s;
}

/* A message that is there already, of the worker whose turn it is. */
static bool next_message(struct pool *p, struct pool_event *event)
{
    for (uint32_t i = 0; i < p->cfg.n_worker; i++) {
        struct worker *w = &p->worker[(p->turn + i) % p->cfg.n_worker];
        if (take_message(p, w, event)) {
            p->turn = (p->turn + i + 1) % p->cfg.n_worker;
            return true;
        }
    }
    return false;
}

/* All that has come of a worker is taken before its end is. */
static enum err attend(struct pool *p, struct worker *w, bool readable, struct pool_event *event,
                       bool *there, struct err_msg *m)
{
    bool gone = false;
    enum err e = readable ? receive(w, &gone, m) : ERR_NONE;

    if (e)
        return e;
    *there = take_message(p, w, event);
    if (*there)
        return ERR_NONE;
    w->overdue = !gone && is_overdue(p, w);
    return gone || w->overdue ? bury(p, w, event, there, m) : ERR_NONE;
}

enum err pool_next(struct pool *p, int wait_ms, struct pool_event *event, bool *there,
                   struct err_msg *m)
{
    *there = next_message(p, event);
    while (p->n_back > 0 && idlest(p)->n_piece < QUEUE)
        hand(p, p->back[--p->n_back]);
    if (*there)
        return ERR_NONE;
    for (uint32_t i = 0; i < p->cfg.n_worker; i++)
        p->poll[i] = (struct pollfd){ .fd = p->worker[i].fd, .events = POLLIN };
    int n = poll(p->poll, p->cfg.n_worker, patience(p, wait_ms));
    if (n < 0)
        return errno == EINTR ? ERR_NONE
                              : err_set(m, ERR_RUN, "cannot wait for workers: %s",
                                        strerror(errno));
    for (uint32_t i = 0; i < p->cfg.n_worker && !*there; i++) {
        uint32_t at = (p->turn + i) % p->cfg.n_worker;
        enum err e = attend(p, &p->worker[at], p->poll[at].revents != 0, event, there, m);
        if (e)
            return e;
    }
    return ERR_NONE;
}
