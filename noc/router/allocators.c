/* noc/router/allocators.c -- what a router grants in a clock: virtual channels of its outputs, then
 * its switch, and what moves then.
 */
#include "noc/router/state.h"

static uint32_t next_in_turn(uint64_t mask, uint32_t turn)
{
    uint64_t behind = turn < 64 ? mask >> turn << turn : 0;

    return (uint32_t)__builtin_ctzll(behind ? behind : mask);
}

/* Places from the one whose turn it is. */
static uint32_t behind_turn(uint32_t i, uint32_t turn, uint32_t n)
{
    return i >= turn ? i - turn : i + n - turn;
}

/* ---- virtual channels ---- */

/* Of an output's free virtual channels those that have room for so many flits: to a node, all. */
static uint64_t roomy(const struct routers *n, uint32_t exit, uint64_t free, uint32_t n_flit)
{
    for (uint64_t left = graph_is_router(n->graph->peer[exit]) ? free : 0; left; left &= left - 1) {
        uint32_t vc = (uint32_t)__builtin_ctzll(left);
        if (n->room[queue_behind(n, exit, vc)] < n_flit)
            free &= ~(UINT64_C(1) << vc);
    }
    return free;
}

/* The output's virtual channel that a queue asks for: the next in its turn that is free, in all of
 * its exits. */
static uint32_t wanted_vc(const struct routers *n, uint32_t queue)
{
    const struct queue *q = &n->queue[queue];
    uint64_t free = n->port[q->exit].free;

    if (n->graph->serial && n->held[q->exit / n->graph->n_port] > 0)
        return NOBODY;
    for (uint32_t i = 1; i < q->n_exit; i++)
        free &= n->port[q->exits[i]].free;
    if (n->spec.cut_through) {
        const uint32_t n_flit = n->packet[FLIT_PACKET(front(n, queue))].n_flit;
        free = roomy(n, q->exit, free, n_flit);
        for (uint32_t i = 1; i < q->n_exit; i++)
            free = roomy(n, q->exits[i], free, n_flit);
    }
    if (!free)
        return NOBODY;
    const uint32_t first = q->exit * n->spec.vcs; // of an output that its turn is not at, this one
    return next_in_turn(free, q->turn > first && q->turn < first + n->spec.vcs ? q->turn - first
                                                                               : 0);
}

static inline void hold(struct routers *n, uint32_t exit, uint32_t vc, uint32_t queue)
{
    n->out_vc[exit * n->spec.vcs + vc].holder = queue;
    n->port[exit].free &= ~(UINT64_C(1) << vc);
}

static void grant_vc(struct routers *n, uint32_t queue)
{
    uint32_t vcs = n->spec.vcs;
    struct queue *q = &n->queue[queue];

    hold(n, q->exit, q->vc, queue);
    for (uint32_t i = 1; i < q->n_exit; i++)
        hold(n, q->exits[i], q->vc, queue);
    n->held[q->exit / n->graph->n_port]++;
    n->port[queue / vcs].asks &= ~(UINT64_C(1) << queue % vcs);
    q->stage = QUEUE_HAS_VC;
    q->turn = q->exit * vcs + q->vc + 1;
    n->counts.allocations += q->n_exit;
    if (n->spec.vc_clk == 0)
        queue_ask_for_switch(n, queue);
    else
        push(n, ASKS_FOR_SWITCH, n->spec.vc_clk, queue, 0);
}

/* Packets that are copied, from the queue whose turn it is; the turn moves behind the first that
 * gets its virtual channels. */
static void grant_vcs_of_copies(struct routers *n, uint32_t router)
{
    uint32_t vcs = n->spec.vcs, n_queue = n->graph->n_port * vcs, first = router * n_queue;
    uint32_t turn = n->copy_turn[router].queue;
    bool granted = false;

    for (uint32_t i = 0; i < n_queue; i++) {
        uint32_t local = turn + i < n_queue ? turn + i : turn + i - n_queue, queue = first + local;
        if (!(n->port[queue / vcs].asks >> queue % vcs & 1) || n->queue[queue].n_exit == 1)
            continue;
        uint32_t vc = wanted_vc(n, queue);
        if (vc == NOBODY)
            continue;
        n->queue[queue].vc = vc;
        grant_vc(n, queue);
        if (!granted)
            n->copy_turn[router].queue = local + 1 == n_queue ? 0 : local + 1;
        granted = true;
    }
}

/* Every virtual channel of an output has an arbiter; a bus has one, which is the first's. */
static void grant_vcs(struct routers *n, uint32_t router)
{
    const uint32_t n_port = n->graph->n_port, first = router * n_port, end = first + n_port;
    uint32_t vcs = n->spec.vcs, n_queue = n_port * vcs, n_asked = 0;

    if (n->copies)
        grant_vcs_of_copies(n, router);
    for (uint32_t port = first; port < end; port++)
        for (uint64_t left = n->port[port].asks; left; left &= left - 1) {
            uint32_t queue = port * vcs + (uint32_t)__builtin_ctzll(left);
            struct queue *q = &n->queue[queue];
            uint32_t vc = q->n_exit == 1 ? wanted_vc(n, queue) : NOBODY;
            if (vc == NOBODY)
                continue;
            q->vc = vc;
            uint32_t arbiter = n->graph->serial ? 0 : (q->exit - first) * vcs + vc;
            uint32_t *best = &n->best[arbiter], turn = n->out_vc[first * vcs + arbiter].turn;
            if (*best == NOBODY)
                n->asked[n_asked++] = arbiter;
            if (*best == NOBODY || behind_turn(queue % n_queue, turn, n_queue) <
                                       behind_turn(*best % n_queue, turn, n_queue))
                *best = queue;
        }
    for (uint32_t i = 0; i < n_asked; i++) {
        uint32_t *best = &n->best[n->asked[i]], local = *best % n_queue;
        n->out_vc[first * vcs + n->asked[i]].turn = local + 1 == n_queue ? 0 : local + 1;
        grant_vc(n, *best);
        *best = NOBODY;
    }
}

/* ---- the switch ---- */

static uint32_t take_flit(struct routers *n, uint32_t queue)
{
    struct queue *q = &n->queue[queue];
    uint32_t flit = front(n, queue);

    q->first = q->first + 1 == n->spec.vc_flits ? 0 : q->first + 1;
    q->n--;
    n->counts.buffer_reads++;
    return flit;
}

static inline void let_go(struct routers *n, uint32_t exit, uint32_t vc)
{
    set_blocked(n, exit, vc, false, n->clk + 1);
    n->out_vc[exit * n->spec.vcs + vc].holder = NOBODY;
    n->port[exit].free |= UINT64_C(1) << vc;
}

/* The tail has left: the outputs' virtual channels are free, the next head may be routed. */
static void end_packet(struct routers *n, uint32_t queue)
{
    struct queue *q = &n->queue[queue];

    let_go(n, q->exit, q->vc);
    for (uint32_t i = 1; i < q->n_exit; i++)
        let_go(n, q->exits[i], q->vc);
    n->held[q->exit / n->graph->n_port]--;
    n->port[queue / n->spec.vcs].goes &= ~(UINT64_C(1) << queue % n->spec.vcs);
    q->stage = QUEUE_IDLE;
    if (q->n > 0)
        queue_begin_routing(n, queue, n->clk + 1);
}

/* A flit leaves the router by a port, in a virtual channel. */
static void leave(struct routers *n, uint32_t out, uint32_t vc, uint32_t flit)
{
    uint32_t behind = queue_behind(n, out, vc);

    n->port[out].flits++;
    n->counts.switch_traversals++;
    if (behind != NOBODY) {
        n->counts.flit_hops++;
        n->room[behind]--;
        push(n, FLIT_FROM_ROUTER, n->delay[FLIT_FROM_ROUTER], behind, flit);
        return;
    }
    push(n, FLIT_TO_NODE, n->delay[FLIT_TO_NODE], out, flit);
    if (FLIT_IS_TAIL(flit) && n->user.arrives) {
        struct router_packet p = n->packet[FLIT_PACKET(flit)];
        p.to = n->graph->peer[out] - GRAPH_NODE;
        n->user.arrives(n->user.user, &p, n->clk + n->delay[FLIT_TO_NODE]);
    }
}

static void move_flit(struct routers *n, uint32_t queue)
{
    const struct queue *q = &n->queue[queue];
    uint32_t flit = take_flit(n, queue);
    enum event_kind place = graph_is_router(n->graph->peer[queue / n->spec.vcs])
                                ? PLACE_FOR_ROUTER : PLACE_FOR_NODE;

    if (FLIT_IS_HEAD(flit))
        n->packet[FLIT_PACKET(flit)].routers++;
    push(n, place, n->delay[place], queue, 0);
    leave(n, q->exit, q->vc, flit);
    for (uint32_t i = 1; i < q->n_exit; i++)
        leave(n, q->exits[i], q->vc, flit);
    n->counts.flits_copied += q->n_exit - 1;
    if (FLIT_IS_TAIL(flit))
        end_packet(n, queue);
    else
        queue_look(n, queue, n->clk + 1);
}

/* The queue that a port offers to the switch: the next in its turn that can send. */
static uint32_t offered(const struct routers *n, uint32_t port)
{
    const struct port *in = &n->port[port];

    return port * n->spec.vcs + next_in_turn(in->goes, in->in_turn);
}

/* Whether nobody has won any of the outputs of a queue that is copied yet. */
static bool are_left(const struct routers *n, const struct queue *q, uint32_t first)
{
    for (uint32_t i = 0; i < q->n_exit; i++)
        if (n->best[q->exits[i] - first] != NOBODY)
            return false;
    return true;
}

/* Those that are copied, from the port whose turn it is: each takes all of its outputs or none. */
static uint32_t choose_copies(struct routers *n, uint32_t router)
{
    uint32_t n_port = n->graph->n_port, first = router * n_port, n_asked = 0;
    uint32_t turn = n->copy_turn[router].port;

    for (uint32_t i = 0; i < n_port; i++) {
        uint32_t p = turn + i < n_port ? turn + i : turn + i - n_port;
        uint32_t queue = n->port[first + p].goes ? offered(n, first + p) : NOBODY;
        const struct queue *q = queue != NOBODY ? &n->queue[queue] : NULL;
        if (!q || q->n_exit == 1 || !are_left(n, q, first))
            continue;
        if (n_asked == 0)
            n->copy_turn[router].port = p + 1 == n_port ? 0 : p + 1;
        for (uint32_t k = 0; k < q->n_exit; k++) {
            n->best[q->exits[k] - first] = queue;
            n->asked[n_asked++] = q->exits[k];
        }
    }
    return n_asked;
}

static void grant_switch(struct routers *n, uint32_t router)
{
    uint32_t n_port = n->graph->n_port, first = router * n_port, vcs = n->spec.vcs;
    uint32_t n_asked = n->copies ? choose_copies(n, router) : 0;

    for (uint32_t p = 0; p < n_port; p++) {
        if (!n->port[first + p].goes)
            continue;
        uint32_t queue = offered(n, first + p);
        uint32_t out = n->queue[queue].exit, *best = &n->best[out - first];
        uint32_t turn = n->port[out].out_turn;
        if (n->copies &&
            (n->queue[queue].n_exit > 1 || (*best != NOBODY && n->queue[*best].n_exit > 1)))
            continue;
        if (*best == NOBODY)
            n->asked[n_asked++] = out;
        if (*best == NOBODY || behind_turn(p, turn, n_port) <
                                   behind_turn(*best / vcs - first, turn, n_port))
            *best = queue;
    }
    for (uint32_t i = 0; i < n_asked; i++) {
        uint32_t out = n->asked[i], queue = n->best[out - first], p = queue / vcs - first;
        n->best[out - first] = NOBODY;
        n->port[first + p].in_turn = queue % vcs + 1 == vcs ? 0 : queue % vcs + 1;
        n->port[out].out_turn = p + 1 == n_port ? 0 : p + 1;
        if (out == n->queue[queue].exit) // of copies, once
            move_flit(n, queue);
    }
}

/* ---- all of them ---- */

static bool router_goes_on(const struct routers *n, uint32_t router)
{
    const uint32_t first = router * n->graph->n_port, end = first + n->graph->n_port;

    for (uint32_t port = first; port < end; port++) {
        if (n->port[port].goes)
            return true;
        for (uint64_t left = n->port[port].asks; left; left &= left - 1)
            if (wanted_vc(n, port * n->spec.vcs + (uint32_t)__builtin_ctzll(left)) != NOBODY)
                return true;
    }
    return false;
}

void allocators_step(struct routers *n)
{
    uint32_t kept = 0;

    for (uint32_t i = 0; i < n->routers.n; i++) {
        uint32_t router = n->routers.member[i];
        n->counts.steps++;
        grant_vcs(n, router);
        grant_switch(n, router);
        n->awake[router] = router_goes_on(n, router);
        if (n->awake[router])
            n->routers.member[kept++] = router;
    }
    n->routers.n = kept;
}
