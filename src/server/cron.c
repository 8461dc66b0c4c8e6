/*
 * What is done some times a second (option hz): rates are sampled, free disk
 * space is looked at, commands that wait are asked again; and once a second:
 * clients that are silent or too large are closed, what was held back is
 * logged.
 *
 * How it fails: it cannot.
 */
#include "os/process.h"
#include "server/server_internal.h"

struct node_status cron_look_synced(struct server *s)
{
    struct node_status st;
    node_status(s->node, &st);
    ASSERT(st.durable <= st.last);
    if (st.durable != s->cron.durable_seen || st.durable == st.last)
        s->cron.synced_ms = s->turn.wall_ms;
    s->cron.durable_seen = st.durable;
    return st;
}

static void each_second(struct server *s)
{
    clients_check_each(&s->clients);
    limits_each_second(s);
    (void)cron_look_synced(s);
    security_report(s);
    s->cron.resident_peak_bytes =
        MAX(s->cron.resident_peak_bytes, process_resident_bytes());
}

/* Commands that wait for something look whether it has happened. */
static void wake_later(struct server *s)
{
    LIST_EACH(link, &s->clients.open)
    {
        client_wake(CONTAINER_OF(link, struct client, link), WAIT_LATER);
    }
}

void cron_run(struct server *s)
{
    ASSERT(s->turn.is_set);
    ASSERT(s->cron.second_ms <= s->turn.mono_ms);
    stats_sample(&s->stats, s->turn.mono_ms);
    disk_floor_look(s);
    wake_later(s);
    blocked_retry(s);
    if (s->turn.mono_ms - s->cron.second_ms >= 1000) {
        s->cron.second_ms = s->turn.mono_ms;
        each_second(s);
    }
}
