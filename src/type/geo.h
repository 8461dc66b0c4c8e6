/*
 * Places on the earth as scores of sorted sets: longitude and latitude are
 * divided into 2^26 steps each, whose bits alternate, so places that are near
 * have scores that mostly are, too. As in Redis; nothing here reads a set.
 *
 * Distances are in metres, on a sphere. What becomes part of the state is
 * computed with geo_exact, which is the same on every machine; replies with
 * geo_fast.
 */
#ifndef TYPE_GEO_H
#define TYPE_GEO_H

#include "base/base.h"

#define GEO_LONGITUDE_MAX 180.0
#define GEO_LATITUDE_MAX  85.05112878
#define GEO_TEXT_SIZE     12 /* with a NUL */
#define GEO_RANGES_MAX    9

struct geo_place {
    double longitude;
    double latitude;
};

struct geo_math {
    double (*sine)(double);
    double (*cosine)(double);
    double (*arc_sine)(double);
};

extern const struct geo_math geo_exact;
extern const struct geo_math geo_fast;

bool geo_is_valid(const struct geo_place *p);
/* The score of a valid place. */
uint64_t geo_encode(const struct geo_place *p);
/* The middle of what has this score; of any, a place. */
struct geo_place geo_decode(double score);
/* A score as an integer; INT64_MIN if it is too large for one. */
int64_t geo_integer(double score);
/* As others write it, in 11 characters (geohash.org). */
void geo_text(const struct geo_place *p, char out[GEO_TEXT_SIZE]);
double geo_distance(const struct geo_math *m, const struct geo_place *a,
                    const struct geo_place *b);

/* What is searched: a circle, or a box whose sides are east to west and north
 * to south. */
struct geo_shape {
    struct geo_place center;
    bool box;
    double radius; /* in units */
    double width;
    double height;
    double unit; /* in metres */
};

/* Scores from one up to before another. */
struct geo_range {
    uint64_t from;
    uint64_t to;
};

/* Ranges that have everything in the shape, and more; no two overlap. Returns
 * how many. */
uint32_t geo_ranges(const struct geo_math *m, const struct geo_shape *s,
                    struct geo_range out[GEO_RANGES_MAX]);
/* Whether a place is in the shape; *distance gets that from its center. */
MUST_USE bool geo_within(const struct geo_math *m, const struct geo_shape *s,
                         const struct geo_place *p, double *distance);

#endif
