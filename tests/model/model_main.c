/* model CONFIG [--states-max N] [--seconds N] [--memory-mb N] [--script FILE]
 *              [--threads N] [--walk SEED [--steps N]] [--compare 1] */
#include <stdlib.h>
#include <string.h>

#include "model.h"

struct options {
    struct model_config config;
    struct model_limits limits;
    bool walk;
    uint64_t seed;
    uint64_t steps;
};

static int usage(void)
{
    fprintf(stderr, "usage: model CONFIG [--states-max N] [--seconds N]\n"
                    "             [--memory-mb N] [--script FILE]\n"
                    "             [--threads N] [--compare 1]\n"
                    "             [--walk SEED [--steps N]]\n"
                    "CONFIG:\n");
    for (uint32_t i = 0; i < model_config_count; i++) {
        fprintf(stderr, "  %-8s %s\n", model_configs[i].name,
                model_configs[i].about);
    }
    return 2;
}

static bool number(const char *text, uint64_t *v)
{
    char *end = NULL;

    *v = strtoull(text, &end, 10);
    return end != text && *end == '\0';
}

/* A bound of the configuration under another value; NULL: no such bound. */
static uint32_t *bound(struct model_config *c, const char *name)
{
    struct {
        const char *name;
        uint32_t *value;
    } bounds[] = {
        {"--terms", &c->terms},           {"--requests", &c->requests},
        {"--crashes", &c->crashes},       {"--disk-losses", &c->disk_losses},
        {"--duplicates", &c->duplicates}, {"--in-flight", &c->in_flight},
        {"--losses", &c->losses},         {"--heartbeats", &c->heartbeats},
        {"--writes", &c->writes},         {"--reads", &c->reads},
        {"--transfers", &c->transfers},   {"--breaks", &c->breaks},
        {"--changes", &c->changes},       {"--cuts", &c->cuts},
        {"--restores", &c->restores},     {"--wipes", &c->wipes},
        {"--pauses", &c->pauses}};

    for (uint32_t i = 0; i < ARRAY_LEN(bounds); i++) {
        if (strcmp(bounds[i].name, name) == 0) {
            return bounds[i].value;
        }
    }
    return NULL;
}

static bool option(struct options *o, const char *name, const char *value)
{
    uint64_t v = 0;

    if (strcmp(name, "--script") == 0) {
        o->limits.script_path = value;
        return true;
    }
    if (!number(value, &v)) {
        return false;
    }
    uint32_t *place = bound(&o->config, name);
    if (place != NULL && v <= MODEL_ANY) {
        *place = (uint32_t)v;
    } else if (strcmp(name, "--greet") == 0) {
        o->config.greet = v != 0;
    } else if (strcmp(name, "--plain") == 0) {
        o->config.plain = v != 0;
    } else if (strcmp(name, "--all") == 0) {
        o->config.all = v != 0;
    } else if (strcmp(name, "--outlines") == 0) {
        o->limits.outlines = v != 0;
    } else if (strcmp(name, "--live") == 0) {
        o->config.live = v != 0;
    } else if (strcmp(name, "--states-max") == 0) {
        o->limits.states_max = v;
    } else if (strcmp(name, "--seconds") == 0) {
        o->limits.seconds = (double)v;
    } else if (strcmp(name, "--memory-mb") == 0) {
        o->limits.memory_mb = v;
    } else if (strcmp(name, "--threads") == 0 && v >= 1 && v <= 16) {
        o->limits.threads = (uint32_t)v;
    } else if (strcmp(name, "--compare") == 0) {
        o->limits.compare = v != 0;
    } else if (strcmp(name, "--walk") == 0) {
        o->walk = true;
        o->seed = v;
    } else if (strcmp(name, "--steps") == 0) {
        o->steps = v;
    } else {
        return false;
    }
    return true;
}

int main(int argc, char **argv)
{
    struct options o = {.limits = {.states_max = UINT64_MAX,
                                   .seconds = 1e9,
                                   .memory_mb = 3072,
                                   .threads = 1},
                        .steps = 10000000};

    const struct model_config *config =
        argc > 1 ? model_config_find(argv[1]) : NULL;
    if (config == NULL || argc % 2 != 0) {
        return usage();
    }
    o.config = *config;
    for (int i = 2; i + 1 < argc; i += 2) {
        if (!option(&o, argv[i], argv[i + 1])) {
            return usage();
        }
    }
    return o.walk ? model_walk(&o.config, o.seed, o.steps, &o.limits)
                  : model_search(&o.config, &o.limits);
}
