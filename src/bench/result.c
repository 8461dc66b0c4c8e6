/*
 * Results as text, CSV (a line of names, a line of values) and JSON.
 *
 * How it fails: output that cannot be written goes unnoticed; the exit status
 * is about the load alone. What would be divided by no operations or no time is
 * 0.
 */
#include "bench/bench.h"

#include <inttypes.h>

static const double quantiles[] = {1,  10, 25,   50,   75,    90,
                                   95, 99, 99.5, 99.9, 99.95, 99.99};

static double rate_of(const struct bench_result *r)
{
    return r->elapsed_s > 0 ? (double)r->ops / r->elapsed_s : 0;
}

static double per_op(const struct bench_result *r, int64_t us)
{
    return r->ops > 0 ? (double)us / (double)r->ops : 0;
}

static uint64_t at(const struct bench_result *r, double percent)
{
    return histogram_percentile(&r->latency, percent);
}

static uint64_t extreme(const _Atomic uint64_t *v, const struct bench_result *r)
{
    return r->latency.count == 0 ? 0 : atomic_load(v);
}

static double mib(uint64_t bytes)
{
    return (double)bytes / (1 << 20);
}

static void print_work(FILE *out, const struct bench_options *o)
{
    fprintf(out,
            "%s%s%s %s: %zu node%s, %" PRId64 " connections, pipeline %" PRId64
            ", ",
            o->label != NULL ? o->label : "", o->label != NULL ? ": " : "",
            bench_mode_name(o->mode), bench_op_name(o->op),
            o->cluster.node_count, o->cluster.node_count == 1 ? "" : "s",
            o->connections, o->pipeline);
    if (o->puts_percent < 100)
        fprintf(out, "%" PRId64 " %% puts, ", o->puts_percent);
    if (o->rate > 0)
        fprintf(out, "%.0f/s %s, ", o->rate, o->poisson ? "poisson" : "even");
    fprintf(out, "%" PRId64 " keys %s, ", o->keys,
            o->zipf ? "zipf" : "uniform");
    if (o->elements > 0)
        fprintf(out, "%" PRId64 " elements each, ", o->elements);
    fprintf(out, "%" PRId64 " B\n", o->value_bytes);
}

static void print_kinds(FILE *out, const struct errors *e)
{
    for (size_t i = 0; i < e->used; i++)
        fprintf(out, "    %-18s %" PRIu64 "  (first: %s)\n", e->kinds[i].kind,
                e->kinds[i].count, e->kinds[i].text);
}

static void print_text(FILE *out, const struct bench_options *o,
                       const struct bench_result *r)
{
    print_work(out, o);
    fprintf(out, "  operations   %" PRIu64 " in %.3f s: %.0f/s\n", r->ops,
            r->elapsed_s, rate_of(r));
    fprintf(out, "  misses       %" PRIu64 "\n", r->misses);
    fprintf(out,
            "  latency us   mean %.1f  min %" PRIu64 "  p50 %" PRIu64
            "  p90 %" PRIu64 "  "
            "p99 %" PRIu64 "  p99.9 %" PRIu64 "  max %" PRIu64 "\n",
            histogram_mean(&r->latency), extreme(&r->latency.min, r), at(r, 50),
            at(r, 90), at(r, 99), at(r, 99.9), extreme(&r->latency.max, r));
    if (o->pid_count > 0) {
        fprintf(out,
                "  servers      %.2f us of CPU an operation, over %zu "
                "processes",
                per_op(r, r->servers.cpu_us), o->pid_count);
        if (r->servers.missing > 0)
            fprintf(out, ", %zu of them not running at the end",
                    r->servers.missing);
        fprintf(out, "\n  memory       peak %.1f MiB, all together %.1f MiB\n",
                mib(r->servers.rss_peak_bytes_max),
                mib(r->servers.rss_peak_bytes_sum));
    }
    fprintf(out, "  client       %.2f us of CPU an operation\n",
            per_op(r, r->client_cpu_us));
    if (r->reconnects > 0)
        fprintf(out, "  reconnects   %" PRIu64 "\n", r->reconnects);
    fprintf(out, "  errors       %" PRIu64 "\n", errors_total(&r->errors));
    print_kinds(out, &r->errors);
}

/* A name of ours or of the user's, without what CSV and JSON quote. */
static void print_plain(FILE *out, const char *text)
{
    for (; text != NULL && *text != '\0'; text++) {
        bool plain =
            *text >= ' ' && *text != '"' && *text != '\\' && *text != ',';
        fputc(plain ? *text : '_', out);
    }
}

static void print_csv(FILE *out, const struct bench_options *o,
                      const struct bench_result *r)
{
    fputs(
        "label,mode,op,nodes,connections,pipeline,keys,dist,puts,size,elements,"
        "rate,seconds,ops,ops_per_s,misses,errors,mean_us,min_us,p50_us,p90_us,"
        "p95_us,p99_us,p999_us,p9999_us,max_us,server_cpu_us_per_op,"
        "server_peak_mib,servers_peak_mib,client_cpu_us_per_op\n",
        out);
    print_plain(out, o->label);
    fprintf(out,
            ",%s,%s,%zu,%" PRId64 ",%" PRId64 ",%" PRId64 ",%s,%" PRId64
            ",%" PRId64 ",%" PRId64 ",%.0f",
            bench_mode_name(o->mode), bench_op_name(o->op),
            o->cluster.node_count, o->connections, o->pipeline, o->keys,
            o->zipf ? "zipf" : "uniform", o->puts_percent, o->value_bytes,
            o->elements, o->rate);
    fprintf(out, ",%.3f,%" PRIu64 ",%.1f,%" PRIu64 ",%" PRIu64, r->elapsed_s,
            r->ops, rate_of(r), r->misses, errors_total(&r->errors));
    fprintf(out,
            ",%.1f,%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64 ",%" PRIu64
            ",%" PRIu64 ",%" PRIu64 ",%" PRIu64,
            histogram_mean(&r->latency), extreme(&r->latency.min, r), at(r, 50),
            at(r, 90), at(r, 95), at(r, 99), at(r, 99.9), at(r, 99.99),
            extreme(&r->latency.max, r));
    fprintf(out, ",%.2f,%.1f,%.1f,%.2f\n", per_op(r, r->servers.cpu_us),
            mib(r->servers.rss_peak_bytes_max),
            mib(r->servers.rss_peak_bytes_sum), per_op(r, r->client_cpu_us));
}

static void print_json_errors(FILE *out, const struct errors *e)
{
    fprintf(out, "  \"errors\": %" PRIu64 ",\n  \"errors_by_kind\": {",
            errors_total(e));
    for (size_t i = 0; i < e->used; i++)
        fprintf(out,
                "%s\n    \"%s\": {\"count\": %" PRIu64 ", \"first\": \"%s\"}",
                i > 0 ? "," : "", e->kinds[i].kind, e->kinds[i].count,
                e->kinds[i].text);
    fprintf(out, "},\n");
}

static void print_json_latency(FILE *out, const struct bench_result *r)
{
    fprintf(out,
            "  \"latency_us\": {\"mean\": %.1f, \"min\": %" PRIu64
            ", \"max\": %" PRIu64 ",\n"
            "    \"percentiles\": [",
            histogram_mean(&r->latency), extreme(&r->latency.min, r),
            extreme(&r->latency.max, r));
    for (size_t i = 0; i < ARRAY_LEN(quantiles); i++)
        fprintf(out, "%s[%g, %" PRIu64 "]", i > 0 ? ", " : "", quantiles[i],
                at(r, quantiles[i]));
    fprintf(out, "]},\n");
}

static void print_json(FILE *out, const struct bench_options *o,
                       const struct bench_result *r)
{
    fprintf(out, "{\n  \"label\": \"");
    print_plain(out, o->label);
    fprintf(out,
            "\",\n  \"mode\": \"%s\", \"op\": \"%s\", \"nodes\": %zu,\n"
            "  \"connections\": %" PRId64 ", \"pipeline\": %" PRId64
            ", \"threads\": %" PRId64 ",\n",
            bench_mode_name(o->mode), bench_op_name(o->op),
            o->cluster.node_count, o->connections, o->pipeline, o->threads);
    fprintf(out,
            "  \"keys\": %" PRId64 ", \"dist\": \"%s\", \"puts\": %" PRId64
            ", \"size\": "
            "%" PRId64 ", \"elements\": %" PRId64 ", \"rate\": %.0f,\n",
            o->keys, o->zipf ? "zipf" : "uniform", o->puts_percent,
            o->value_bytes, o->elements, o->rate);
    fprintf(out,
            "  \"seconds\": %.3f, \"ops\": %" PRIu64 ", \"ops_per_s\": %.1f, "
            "\"misses\": %" PRIu64 ",\n",
            r->elapsed_s, r->ops, rate_of(r), r->misses);
    print_json_errors(out, &r->errors);
    print_json_latency(out, r);
    fprintf(
        out,
        "  \"servers\": {\"processes\": %zu, \"missing\": %zu, "
        "\"cpu_us_per_op\": %.2f,\n"
        "    \"peak_bytes\": %" PRIu64 ", \"peak_bytes_sum\": %" PRIu64 "},\n"
        "  \"client_cpu_us_per_op\": %.2f, \"reconnects\": %" PRIu64 "\n}\n",
        o->pid_count, r->servers.missing, per_op(r, r->servers.cpu_us),
        r->servers.rss_peak_bytes_max, r->servers.rss_peak_bytes_sum,
        per_op(r, r->client_cpu_us), r->reconnects);
}

void bench_result_print(FILE *out, const struct bench_options *o,
                        const struct bench_result *r)
{
    if (o->format == FORMAT_CSV) {
        print_csv(out, o, r);
        print_kinds(stderr, &r->errors); /* a line has no room for them */
    } else if (o->format == FORMAT_JSON)
        print_json(out, o, r);
    else
        print_text(out, o, r);
    fflush(out);
}
