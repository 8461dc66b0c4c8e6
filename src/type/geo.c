/*
 * How it works: a square of a step is all scores with the same first bits. A
 * shape is covered by the square with its center and the eight around it, of a
 * size that is estimated from the shape's, and doubled if the squares turn out
 * not to reach far enough; those that lie outside of the shape's bounds are
 * left out.
 *
 * The order of the ranges is Redis', which is that of unsorted replies.
 *
 * How it fails: it does not. Of sizes that are not finite, bounds are NaN, and
 * nothing is left out.
 */
#include "type/geo.h"

#include "type/trig.h"

#include <math.h>
#include <string.h>

#define STEPS        26
#define EARTH_RADIUS 6372797.560856
#define MERCATOR_MAX 20037726.37
#define DEGREE       (M_PI / 180.0)

const struct geo_math geo_exact = {trig_sin, trig_cos, trig_asin};
const struct geo_math geo_fast = {sin, cos, asin};

bool geo_is_valid(const struct geo_place *p)
{
    return fabs(p->longitude) <= GEO_LONGITUDE_MAX &&
           fabs(p->latitude) <= GEO_LATITUDE_MAX;
}

/* ---- steps and bits ---- */

/* A square: its step in each direction, of 2^steps. */
struct square {
    uint32_t x; /* to the east */
    uint32_t y; /* to the north */
    uint32_t steps;
};

/* Each bit of v gets a zero before it. */
static uint64_t spread(uint32_t v)
{
    static const uint64_t masks[] = {0x0000ffff0000ffff, 0x00ff00ff00ff00ff,
                                     0x0f0f0f0f0f0f0f0f, 0x3333333333333333,
                                     0x5555555555555555};
    uint64_t out = v;
    for (int i = 0; i < 5; i++)
        out = (out | out << (16 >> i)) & masks[i];
    return out;
}

static uint32_t gathered(uint64_t v)
{
    static const uint64_t masks[] = {0x3333333333333333, 0x0f0f0f0f0f0f0f0f,
                                     0x00ff00ff00ff00ff, 0x0000ffff0000ffff,
                                     0x00000000ffffffff};
    v &= 0x5555555555555555;
    for (int i = 0; i < 5; i++)
        v = (v | v >> (1 << i)) & masks[i];
    return (uint32_t)v;
}

static uint64_t bits_of(const struct square *s)
{
    return spread(s->y) | spread(s->x) << 1;
}

static uint32_t step_of(double v, double max, uint32_t steps)
{
    double part = (v + max) / (max + max);
    return (uint32_t)(part * (double)((uint64_t)1 << steps));
}

static struct square square_of(const struct geo_place *p, uint32_t steps)
{
    return (struct square){step_of(p->longitude, GEO_LONGITUDE_MAX, steps),
                           step_of(p->latitude, GEO_LATITUDE_MAX, steps),
                           steps};
}

/* Where a step begins. */
static double edge(uint64_t step, double max, uint32_t steps)
{
    return -max +
           (double)step * 1.0 / (double)((uint64_t)1 << steps) * (max + max);
}

static double west_of(const struct square *s)
{
    return edge(s->x, GEO_LONGITUDE_MAX, s->steps);
}

static double east_of(const struct square *s)
{
    return edge((uint64_t)s->x + 1, GEO_LONGITUDE_MAX, s->steps);
}

static double south_of(const struct square *s)
{
    return edge(s->y, GEO_LATITUDE_MAX, s->steps);
}

static double north_of(const struct square *s)
{
    return edge((uint64_t)s->y + 1, GEO_LATITUDE_MAX, s->steps);
}

static double bounded(double v, double max)
{
    return v > max ? max : v < -max ? -max : v;
}

uint64_t geo_encode(const struct geo_place *p)
{
    struct square s = square_of(p, STEPS);
    ASSERT(geo_is_valid(p));
    return bits_of(&s);
}

int64_t geo_integer(double score)
{
    bool fits = score >= -0x1p63 && score < 0x1p63;
    return fits ? (int64_t)score : INT64_MIN;
}

/* What a processor makes of scores that no place has. */
static uint64_t bits_of_score(double score)
{
    if (score >= 0x1p63)
        return score < 0x1p64 ? (uint64_t)score : 0;
    return (uint64_t)geo_integer(score);
}

struct geo_place geo_decode(double score)
{
    uint64_t bits = bits_of_score(score);
    struct square s = {gathered(bits >> 1), gathered(bits), STEPS};
    return (struct geo_place){
        bounded((west_of(&s) + east_of(&s)) / 2, GEO_LONGITUDE_MAX),
        bounded((south_of(&s) + north_of(&s)) / 2, GEO_LATITUDE_MAX)};
}

/* There, latitudes reach to the poles; the last of the 55 bits are zeros. */
void geo_text(const struct geo_place *p, char out[GEO_TEXT_SIZE])
{
    static const char digits[] = "0123456789bcdefghjkmnpqrstuvwxyz";
    struct square s = {step_of(p->longitude, 180, STEPS),
                       step_of(p->latitude, 90, STEPS), STEPS};
    uint64_t bits = bits_of(&s);
    for (int i = 0; i < 10; i++)
        out[i] = digits[bits >> (47 - 5 * i) & 0x1f];
    out[10] = digits[0];
    out[11] = '\0';
}

/* ---- distances ---- */

double geo_distance(const struct geo_math *m, const struct geo_place *a,
                    const struct geo_place *b)
{
    double lat_a = a->latitude * DEGREE;
    double lat_b = b->latitude * DEGREE;
    double u = m->sine((lat_b - lat_a) / 2);
    double v = m->sine((b->longitude * DEGREE - a->longitude * DEGREE) / 2);
    double h = u * u + m->cosine(lat_a) * m->cosine(lat_b) * v * v;
    double chord = sqrt(h);
    return 2.0 * EARTH_RADIUS * m->arc_sine(chord > 1 ? 1 : chord);
}

bool geo_within(const struct geo_math *m, const struct geo_shape *s,
                const struct geo_place *p, double *distance)
{
    struct geo_place beside = {s->center.longitude, p->latitude};
    struct geo_place below = {p->longitude, s->center.latitude};
    if (s->box && (geo_distance(m, p, &beside) > s->width * s->unit / 2 ||
                   geo_distance(m, p, &below) > s->height * s->unit / 2))
        return false;
    *distance = geo_distance(m, &s->center, p);
    return s->box || *distance <= s->radius * s->unit;
}

/* ---- what may be in a shape ---- */

struct bounds {
    double west, east, south, north;
};

static struct bounds bounds_of(const struct geo_math *m,
                               const struct geo_shape *s)
{
    double height = s->unit * (s->box ? s->height / 2 : s->radius);
    double width = s->unit * (s->box ? s->width / 2 : s->radius);
    double up = height / EARTH_RADIUS / DEGREE;
    double lat = s->center.latitude;
    double nearer = lat < 0 ? lat - up : lat + up; /* to a pole */
    double side = width / EARTH_RADIUS / m->cosine(nearer * DEGREE) / DEGREE;
    return (struct bounds){s->center.longitude - side,
                           s->center.longitude + side, lat - up, lat + up};
}

/* So that a square is about as large as the shape. */
static uint32_t estimated_steps(double radius, double latitude)
{
    int steps = -1;
    if (radius == 0)
        return STEPS;
    for (; radius < MERCATOR_MAX; radius *= 2)
        steps++;
    if (fabs(latitude) > 66)
        steps--;
    if (fabs(latitude) > 80)
        steps--;
    return (uint32_t)MIN(MAX(steps, 1), STEPS);
}

static double radius_of(const struct geo_shape *s)
{
    double w = s->width / 2;
    double h = s->height / 2;
    return (s->box ? sqrt(w * w + h * h) : s->radius) * s->unit;
}

/* Beside another, around the earth if need be. */
static struct square beside(const struct square *s, int east, int north)
{
    uint32_t mask = ((uint32_t)1 << s->steps) - 1;
    struct square out = *s;
    if (east != 0)
        out.x = (s->x + (uint32_t)east) & mask;
    if (north != 0)
        out.y = (s->y + (uint32_t)north) & mask;
    return out;
}

static bool reach(const struct square *s, const struct bounds *b)
{
    struct square n = beside(s, 0, 1);
    struct square e = beside(s, 1, 0);
    struct square so = beside(s, 0, -1);
    struct square w = beside(s, -1, 0);
    return !(north_of(&n) < b->north) && !(south_of(&so) > b->south) &&
           !(east_of(&e) < b->east) && !(west_of(&w) > b->west);
}

static void add_range(const struct square *s, struct geo_range *out,
                      uint32_t *count)
{
    uint32_t shift = 2 * (STEPS - s->steps);
    struct geo_range r = {bits_of(s) << shift, (bits_of(s) + 1) << shift};
    for (uint32_t i = 0; i < *count; i++) {
        if (out[i].from == r.from)
            return;
    }
    ASSERT(*count < GEO_RANGES_MAX);
    out[(*count)++] = r;
}

uint32_t geo_ranges(const struct geo_math *m, const struct geo_shape *s,
                    struct geo_range out[GEO_RANGES_MAX])
{
    static const struct {
        int east, north;
    } ways[] = {{0, 0}, {0, 1},  {0, -1}, {1, 0},  {-1, 0},
                {1, 1}, {-1, 1}, {1, -1}, {-1, -1}};
    struct bounds b = bounds_of(m, s);
    uint32_t count = 0;
    uint32_t steps = estimated_steps(radius_of(s), s->center.latitude);
    struct square c = square_of(&s->center, steps);
    if (steps > 1 && !reach(&c, &b))
        c = square_of(&s->center, --steps);
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        bool outside = (ways[i].north < 0 && south_of(&c) < b.south) ||
                       (ways[i].north > 0 && north_of(&c) > b.north) ||
                       (ways[i].east < 0 && west_of(&c) < b.west) ||
                       (ways[i].east > 0 && east_of(&c) > b.east);
        struct square next = beside(&c, ways[i].east, ways[i].north);
        if (steps < 2 || !outside)
            add_range(&next, out, &count);
    }
    return count;
}
