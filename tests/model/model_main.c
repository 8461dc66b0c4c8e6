/* model CONFIG [--states-max N] [--seconds N] [--memory-mb N] [--script FILE]
 *              [--walk SEED [--steps N]] */
#include <stdlib.h>
#include <string.h>

#include "model.h"

struct options {
    const struct model_config *config;
    struct model_limits limits;
    bool walk;
    uint64_t seed;
    uint64_t steps;
};

static int usage(void)
{
    fprintf(stderr, "usage: model CONFIG [--states-max N] [--seconds N]\n"
                    "             [--memory-mb N] [--script FILE]\n"
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
    if (strcmp(name, "--states-max") == 0) {
        o->limits.states_max = v;
    } else if (strcmp(name, "--seconds") == 0) {
        o->limits.seconds = (double)v;
    } else if (strcmp(name, "--memory-mb") == 0) {
        o->limits.memory_mb = v;
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
    struct options o = {
        .limits = {.states_max = UINT64_MAX, .seconds = 1e9, .memory_mb = 3072},
        .steps = 10000000};

    o.config = argc > 1 ? model_config_find(argv[1]) : NULL;
    if (o.config == NULL || argc % 2 != 0) {
        return usage();
    }
    for (int i = 2; i + 1 < argc; i += 2) {
        if (!option(&o, argv[i], argv[i + 1])) {
            return usage();
        }
    }
    return o.walk ? model_walk(o.config, o.seed, o.steps, &o.limits)
                  : model_search(o.config, &o.limits);
}
