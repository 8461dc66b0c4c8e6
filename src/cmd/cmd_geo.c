/*
 * Places: GEOADD, GEOPOS, GEOHASH, GEODIST. They are members of sorted sets,
 * whose scores say where they are (type/geo.h).
 *
 * How it fails: with an error reply, and nothing changed; GEOADD adds nothing
 * if one of its places cannot be.
 */
#include "cmd/cmd_geo.h"
#include "cmd/cmd_internal.h"

#include "base/alloc.h"
#include "cmd/cmd_counter.h"

#include <math.h>

/* ---- what the family shares ---- */

bool parse_place(struct resp_writer *w, const struct bytes *argv,
                 struct geo_place *out)
{
    static const char error[] = "ERR value is not a valid float";
    if (!parse_score(w, argv[0], error, &out->longitude) ||
        !parse_score(w, argv[1], error, &out->latitude))
        return false;
    ASSERT(!isnan(out->longitude) && !isnan(out->latitude));
    if (geo_is_valid(out))
        return true;
    resp_errorf(w, "ERR invalid longitude,latitude pair %f,%f", out->longitude,
                out->latitude);
    return false;
}

bool parse_unit(struct resp_writer *w, struct bytes word, double *out)
{
    static const struct {
        const char *word;
        double metres;
    } units[] = {{"m", 1}, {"km", 1000}, {"ft", 0.3048}, {"mi", 1609.34}};
    ASSERT(w != NULL);
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        if (word_is(word, units[i].word)) {
            *out = units[i].metres;
            return true;
        }
    }
    resp_error(w, "ERR unsupported unit provided. please use M, KM, FT, MI");
    return false;
}

bool place_of(struct zset *z, struct bytes member, struct geo_place *out)
{
    double score = 0;
    if (!zset_score(z, member, &score))
        return false;
    *out = geo_decode(score);
    ASSERT(geo_is_valid(out));
    return true;
}

/* As INCRBYFLOAT writes numbers. */
static void reply_coordinate(struct resp_writer *w, double v)
{
    char text[FLOAT_TEXT_MAX];
    ASSERT(fabs(v) <= GEO_LONGITUDE_MAX);
    size_t len = float_format(v, text);
    if (w->protocol < 3) {
        resp_bulk(w, bytes_of(text, len));
        return;
    }
    struct bytes parts[] = {BYTES_LIT(","), bytes_of(text, len),
                            BYTES_LIT("\r\n")};
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        resp_raw(w, parts[i]);
}

void reply_place(struct resp_writer *w, const struct geo_place *p)
{
    ASSERT(geo_is_valid(p));
    resp_array(w, 2);
    reply_coordinate(w, p->longitude);
    reply_coordinate(w, p->latitude);
}

void reply_distance(struct resp_writer *w, double distance)
{
    ASSERT(distance >= 0);
    resp_bulkf(w, "%.4f", distance);
}

/* ---- GEOADD ---- */

static bool parse_geoadd(const struct cmd_args *a, struct zadd *z)
{
    *z = (struct zadd){.first = 2, .step = 3};
    for (; z->first < a->argc; z->first++) {
        struct bytes word = a->argv[z->first];
        if (word_is(word, "nx"))
            z->nx = true;
        else if (word_is(word, "xx"))
            z->xx = true;
        else if (word_is(word, "ch"))
            z->ch = true;
        else
            break;
    }
    uint32_t left = a->argc - z->first;
    z->count = left / z->step;
    ASSERT(a->argc >= 5);
    if (left > 0 && left % z->step == 0 && !(z->nx && z->xx))
        return members_fit(a, z->first + 2, z->step);
    reply_syntax(a->out);
    return false;
}

/* Into `out`, but if that is NULL. */
static bool parse_places(const struct cmd_args *a, const struct zadd *z,
                         double *out)
{
    struct geo_place p;
    ASSERT(z->first + z->step * z->count == a->argc);
    for (uint32_t i = 0; i < z->count; i++) {
        if (!parse_place(a->out, &a->argv[z->first + z->step * i], &p))
            return false;
        if (out != NULL)
            out[i] = (double)geo_encode(&p);
    }
    return true;
}

bool cmd_geoadd_check(struct cmd_args *a)
{
    struct zadd z;
    bool ok = parse_geoadd(a, &z) && parse_places(a, &z, NULL);
    ASSERT(!ok || z.count > 0);
    return ok;
}

void cmd_geoadd_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct zadd z;
    ASSERT((c->cmd->flags & CMD_WRITE) != 0);
    if (!parse_geoadd(&a, &z))
        return;
    double *scores = mem_alloc(z.count * sizeof(*scores));
    if (parse_places(&a, &z, scores))
        zadd_all(c, &z, scores);
    mem_free(scores);
}

/* ---- GEOPOS, GEOHASH, GEODIST ---- */

void cmd_geopos_run(struct cmd_call *c)
{
    struct geo_place p;
    struct zset z;
    ASSERT(c->argc >= 2);
    if (!open_zset(c, c->argv[1], &z))
        return;
    resp_array(c->out, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        if (place_of(&z, c->argv[i], &p))
            reply_place(c->out, &p);
        else
            resp_null_array(c->out);
    }
    zset_close(&z);
}

void cmd_geohash_run(struct cmd_call *c)
{
    char text[GEO_TEXT_SIZE];
    struct geo_place p;
    struct zset z;
    ASSERT(c->argc >= 2);
    if (!open_zset(c, c->argv[1], &z))
        return;
    resp_array(c->out, c->argc - 2);
    for (uint32_t i = 2; i < c->argc; i++) {
        if (place_of(&z, c->argv[i], &p)) {
            geo_text(&p, text);
            resp_bulk_str(c->out, text);
        } else {
            resp_null(c->out);
        }
    }
    zset_close(&z);
}

static bool parse_geodist(const struct cmd_args *a, double *unit)
{
    *unit = 1;
    ASSERT(a->argc >= 4);
    if (a->argc <= 5)
        return a->argc == 4 || parse_unit(a->out, a->argv[4], unit);
    reply_syntax(a->out);
    return false;
}

bool cmd_geodist_check(struct cmd_args *a)
{
    double unit = 0;
    bool ok = parse_geodist(a, &unit);
    ASSERT(!ok || unit > 0);
    return ok;
}

void cmd_geodist_run(struct cmd_call *c)
{
    struct cmd_args a = args_of(c);
    struct geo_place p[2];
    struct zset z;
    double unit = 0;
    ASSERT((c->cmd->flags & CMD_READ) != 0);
    if (!parse_geodist(&a, &unit) || !open_zset(c, c->argv[1], &z))
        return;
    if (place_of(&z, c->argv[2], &p[0]) && place_of(&z, c->argv[3], &p[1]))
        reply_distance(c->out, geo_distance(&geo_fast, &p[0], &p[1]) / unit);
    else
        resp_null(c->out);
    zset_close(&z);
}
