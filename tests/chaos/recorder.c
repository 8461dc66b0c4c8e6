/*
 * recorder: see recorder.h and usage() below. Here: the options, the threads,
 * what they share, and the commands on standard input, each answered by one
 * line:
 *
 *   mark   "gap-ms G ok N": the longest time without any success since the
 *          last mark, still open ones included, and the successes since then
 *   end    lets all clients end, reads all keys back, prints the counts
 *
 * The end of the input is "end" too.
 */
#include "recorder.h"

#include "base/alloc.h"
#include "base/num.h"

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ODD_SHOWN 10

int64_t recorder_now_us(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (int64_t)t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

/* --- what all share ------------------------------------------------------ */

void recorder_count(struct recorder *r, enum recorder_count what,
                    const char *text)
{
    ASSERT(what < COUNTS);
    pthread_mutex_lock(&r->lock);
    r->count[what]++;
    if (text != NULL && r->odd_shown++ < ODD_SHOWN)
        fprintf(stderr, "recorder: %s\n", text);
    pthread_mutex_unlock(&r->lock);
}

/* Wants the lock. */
static void close_gap(struct recorder *r)
{
    int64_t now = recorder_now_us();
    r->gap_us = MAX(r->gap_us, now - r->last_us);
    r->last_us = now;
}

void recorder_success(struct recorder *r)
{
    pthread_mutex_lock(&r->lock);
    close_gap(r);
    r->mark_ok++;
    r->count[COUNT_OK]++;
    pthread_mutex_unlock(&r->lock);
}

void recorder_note(struct client *c, struct history_op *op,
                   const struct answer *a)
{
    struct recorder *r = c->recorder;
    struct buf line = BUF_INIT;
    op->client = c->number;
    op->ret = HISTORY_NEVER;
    op->outcome = (uint8_t)a->outcome;
    if (r->options.no_doubt && a->outcome == HISTORY_UNKNOWN)
        op->outcome = HISTORY_FAIL;
    if (a->outcome == HISTORY_OK) {
        op->ret = recorder_now_us();
        op->reply = (uint8_t)a->reply;
        op->number = a->number;
        if (a->reply == REPLY_TEXT)
            op->text = history_intern(&c->texts, a->lines ? buf_view(&c->lines)
                                                          : bytes_str(a->text));
    }
    const char *wrong = history_op_error(&c->texts, op);
    if (wrong != NULL) {
        recorder_count(r, COUNT_ODD, wrong);
        return;
    }
    history_write_op(&c->texts, op, &line);
    if (a->outcome == HISTORY_OK)
        recorder_success(r);
    else
        recorder_count(
            r, a->outcome == HISTORY_FAIL ? COUNT_FAIL : COUNT_UNKNOWN, NULL);
    pthread_mutex_lock(&r->lock);
    (void)fwrite(line.data, 1, line.len, r->history);
    pthread_mutex_unlock(&r->lock);
    buf_release(&line);
}

/* --- commands ------------------------------------------------------------ */

static void mark(struct recorder *r)
{
    pthread_mutex_lock(&r->lock);
    int64_t open_us = recorder_now_us() - r->last_us;
    int64_t gap = MAX(r->gap_us, open_us);
    int64_t ok = r->mark_ok;
    r->gap_us = 0;
    r->mark_ok = 0;
    pthread_mutex_unlock(&r->lock);
    printf("gap-ms %" PRId64 " ok %" PRId64 "\n", gap / 1000, ok);
    (void)fflush(stdout);
}

static void report(const struct recorder *r, bool all_read)
{
    static const char *const names[COUNTS] = {
        "ok",    "fail",    "unknown", "odd",  "retries", "again",
        "wrong", "expired", "early",   "late", "risen"};
    for (int i = 0; i < COUNTS; i++)
        printf("%s %" PRId64 " ", names[i], r->count[i]);
    printf("unread %d\n", all_read ? 0 : 1);
    (void)fflush(stdout);
}

static void take_commands(struct recorder *r)
{
    char line[32];
    while (fgets(line, sizeof(line), stdin) != NULL) {
        if (strcmp(line, "mark\n") == 0)
            mark(r);
        else
            break;
    }
}

/* --- the start ----------------------------------------------------------- */

static void usage(void)
{
    fputs("recorder --ports PORT,... --history FILE [options]\n"
          "  --clients N         of registers and counters (12)\n"
          "  --expiry-clients N  of keys that expire (3)\n"
          "  --keys N            of each kind at a time (3)\n"
          "  --epoch-ms MS       how long the same keys are used (4000)\n"
          "  --pause-us US       between operations of a client (4000)\n"
          "  --timeout-ms MS     of one reply (2500)\n"
          "  --slack-ms MS       of expiry (20)\n"
          "  --prefix TEXT       of the keys (chaos)\n"
          "Mistakes to be found:\n"
          "  --fresh-ids         a retry of ONCE is a new request\n"
          "  --no-doubt          an unknown outcome is noted as a refusal\n",
          stderr);
}

static bool parse_ports(const char *text, struct recorder_options *o)
{
    while (*text != '\0') {
        size_t len = strcspn(text, ",");
        int64_t port = 0;
        if (o->node_count == RECORDER_NODES_MAX ||
            !num_parse_i64(bytes_of(text, len), &port) || port < 1 ||
            port > 65535)
            return false;
        o->port[o->node_count++] = (int)port;
        text += len + (text[len] == ',');
    }
    return o->node_count > 0;
}

static bool parse_int(const char *text, int min, int *out)
{
    int64_t n = 0;
    if (!num_parse_i64(bytes_str(text), &n) || n < min || n > 100000000)
        return false;
    *out = (int)n;
    return true;
}

static bool take_option(int letter, const char *arg, struct recorder_options *o)
{
    switch (letter) {
    case 'n':
        return parse_ports(arg, o);
    case 'h':
        o->history_path = arg;
        return true;
    case 'c':
        return parse_int(arg, 1, &o->clients);
    case 'x':
        return parse_int(arg, 0, &o->expiry_clients);
    case 'k':
        return parse_int(arg, 1, &o->keys);
    case 'e':
        return parse_int(arg, 1, &o->epoch_ms);
    case 'u':
        return parse_int(arg, 0, &o->pause_us);
    case 't':
        return parse_int(arg, 1, &o->timeout_ms);
    case 's':
        return parse_int(arg, 0, &o->slack_ms);
    case 'p':
        o->prefix = arg;
        return true;
    case 'f':
        o->fresh_ids = true;
        return true;
    case 'd':
        o->no_doubt = true;
        return true;
    default:
        return false;
    }
}

static bool parse_options(int argc, char **argv, struct recorder_options *o)
{
    static const struct option options[] = {
        {"ports", required_argument, NULL, 'n'},
        {"history", required_argument, NULL, 'h'},
        {"clients", required_argument, NULL, 'c'},
        {"expiry-clients", required_argument, NULL, 'x'},
        {"keys", required_argument, NULL, 'k'},
        {"epoch-ms", required_argument, NULL, 'e'},
        {"pause-us", required_argument, NULL, 'u'},
        {"timeout-ms", required_argument, NULL, 't'},
        {"slack-ms", required_argument, NULL, 's'},
        {"prefix", required_argument, NULL, 'p'},
        {"fresh-ids", no_argument, NULL, 'f'},
        {"no-doubt", no_argument, NULL, 'd'},
        {NULL, 0, NULL, 0}};
    int letter = 0;
    while ((letter = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (!take_option(letter, optarg, o))
            return false;
    }
    return optind == argc && o->node_count > 0 && o->history_path != NULL &&
           strlen(o->prefix) < RECORDER_TEXT_MAX / 4 &&
           o->clients + o->expiry_clients <= RECORDER_CLIENTS_MAX;
}

static void run(struct recorder *r)
{
    const struct recorder_options *o = &r->options;
    int total = o->clients + o->expiry_clients;
    struct client *clients = mem_zalloc((size_t)total * sizeof(*clients));
    for (int i = 0; i < total; i++) {
        struct client *c = &clients[i];
        client_init(c, r, i < o->clients ? i : i - o->clients);
        int failed = pthread_create(&c->thread, NULL,
                                    i < o->clients ? work_run : expiry_run, c);
        ASSERT(failed == 0);
    }
    puts("ready");
    (void)fflush(stdout);
    take_commands(r);
    atomic_store(&r->stop, true);
    for (int i = 0; i < total; i++) {
        pthread_join(clients[i].thread, NULL);
        client_release(&clients[i]);
    }
    mem_free(clients);
}

int main(int argc, char **argv)
{
    struct recorder r = {.options = {.clients = 12,
                                     .expiry_clients = 3,
                                     .keys = 3,
                                     .epoch_ms = 4000,
                                     .pause_us = 4000,
                                     .timeout_ms = 2500,
                                     .slack_ms = 20,
                                     .prefix = "chaos"},
                         .lock = PTHREAD_MUTEX_INITIALIZER};
    if (!parse_options(argc, argv, &r.options)) {
        usage();
        return 2;
    }
    (void)signal(SIGPIPE, SIG_IGN);
    r.history = fopen(r.options.history_path, "w");
    if (r.history == NULL) {
        perror(r.options.history_path);
        return 2;
    }
    r.start_us = r.last_us = recorder_now_us();
    run(&r);
    bool all_read = work_read_all(&r);
    bool kept = fclose(r.history) == 0;
    report(&r, all_read);
    return all_read && kept ? 0 : 1;
}
