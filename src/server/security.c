/*
 * What strangers try: wrong passwords, and web browsers that are made to send
 * requests. Both are reported in the log, but not more often than strangers
 * may fill the disk with it; guessing on one connection ends that connection.
 *
 * How it fails: it cannot.
 */
#include "server/server_internal.h"

#include <inttypes.h>

#define ATTACK_WARNING_MS 60000

void security_report(struct server *s)
{
    char text[ADDRESS_TEXT_MAX];
    if (s->security.auth_unreported == 0)
        return;
    ASSERT(s->security.auth_reported_ms <= s->turn.mono_ms);
    if (s->security.auth_reported_ms != 0 &&
        s->turn.mono_ms - s->security.auth_reported_ms < AUTH_REPORT_MS)
        return;
    address_format(&s->security.auth_peer, text);
    log_warning(s->options.log,
                "%" PRIu64 " failed authentication%s, the last one by %s",
                s->security.auth_unreported,
                s->security.auth_unreported == 1 ? "" : "s", text);
    s->security.auth_reported_ms = s->turn.mono_ms;
    s->security.auth_unreported = 0;
}

/* After too many the connection is closed after this one's reply. */
void client_auth_failed(struct client *c)
{
    struct server *s = c->server;
    if (c->auth_failures >= AUTH_FAILURES_MAX)
        return; /* one more in a transaction: it ends with that */
    s->stats.auth_failures++;
    s->security.auth_unreported++;
    s->security.auth_peer = c->peer;
    security_report(s);
    c->auth_failures++;
    if (c->auth_failures >= AUTH_FAILURES_MAX)
        client_close_after_reply(c);
}

void security_attack(struct client *c)
{
    struct server *s = c->server;
    char text[ADDRESS_TEXT_MAX];
    client_doom(c);
    ASSERT(c->state == CLIENT_DOOMED);
    ASSERT(s->security.attack_warned_ms <= s->turn.mono_ms);
    if (s->security.attack_warned_ms != 0 &&
        s->turn.mono_ms - s->security.attack_warned_ms < ATTACK_WARNING_MS)
        return;
    s->security.attack_warned_ms = s->turn.mono_ms;
    address_format(&c->peer, text);
    log_warning(s->options.log,
                "Possible SECURITY ATTACK: %s sent POST or Host: as a command. "
                "This is how a web browser is made to send commands to a "
                "server behind a firewall. Connection closed.",
                text);
}
