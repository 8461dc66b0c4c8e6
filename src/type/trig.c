/*
 * How it works: with sums of two numbers of 53 bits each (Dekker, "A
 * Floating-Point Technique for Extending the Available Precision", 1971), whose
 * first is rounded to nearest in the end. An angle is brought below an eighth
 * of a turn, where the series of sine and cosine are short; an arc sine is
 * found by Newton's method from them.
 *
 * The room is compiled without fused operations (CMakeLists.txt): with them
 * products would be others.
 *
 * How it fails: it does not; outside their range the functions give NaN.
 */
#include "type/trig.h"

#include <math.h>

#define ANGLE_MAX 100
#define TERMS     14 /* (pi/4)^28 / 28! is below 2^-106 */

struct pair {
    double high;
    double low; /* at most half a unit in the last place of the other */
};

static const struct pair half_pi = {0x1.921fb54442d18p+0,
                                    0x1.1a62633145c07p-54};
static const double half_pi_rest = -0x1.f1976b7ed8fbcp-110;

/* a + b, whatever their sizes. */
static struct pair sum_of(double a, double b)
{
    double s = a + b;
    double t = s - a;
    return (struct pair){s, (a - (s - t)) + (b - t)};
}

/* a * b. */
static struct pair product_of(double a, double b)
{
    double big = 0x1p27 + 1;
    double a1 = a * big - (a * big - a);
    double b1 = b * big - (b * big - b);
    double a2 = a - a1;
    double b2 = b - b1;
    double p = a * b;
    return (struct pair){p, ((a1 * b1 - p) + a1 * b2 + a2 * b1) + a2 * b2};
}

static struct pair add(struct pair a, struct pair b)
{
    struct pair s = sum_of(a.high, b.high);
    struct pair t = sum_of(a.low, b.low);
    s = sum_of(s.high, s.low + t.high);
    return sum_of(s.high, s.low + t.low);
}

static struct pair negative(struct pair a)
{
    return (struct pair){-a.high, -a.low};
}

static struct pair times(struct pair a, struct pair b)
{
    struct pair p = product_of(a.high, b.high);
    return sum_of(p.high, p.low + (a.high * b.low + a.low * b.high));
}

static struct pair divided(struct pair a, double b)
{
    double q = a.high / b;
    struct pair rest = add(a, negative(product_of(q, b)));
    return sum_of(q, (rest.high + rest.low) / b);
}

/* 1 - xx/((n+1)(n+2)) * (1 - xx/((n+3)(n+4)) * ...): cosine for n = 0, sine
 * divided by x for n = 1. */
static struct pair series(struct pair x, int n)
{
    struct pair one = {1, 0};
    struct pair square = times(x, x);
    struct pair s = one;
    for (int i = n + 2 * TERMS; i > n; i -= 2) {
        struct pair t = divided(times(square, s), (double)(i * (i - 1)));
        s = add(one, negative(t));
    }
    return s;
}

static struct pair sine(struct pair x)
{
    return times(x, series(x, 1));
}

/* What is left of an angle of up to ANGLE_MAX after quarters of a turn, of
 * which *quarters gets the number. */
static struct pair reduced(double x, int *quarters)
{
    double k = floor(x / half_pi.high + 0.5);
    *quarters = (int)k & 3;
    struct pair r =
        add((struct pair){x, 0}, negative(product_of(k, half_pi.high)));
    r = add(r, negative(product_of(k, half_pi.low)));
    return add(r, (struct pair){-k * half_pi_rest, 0});
}

static double turned(double x, int by)
{
    int quarters = 0;
    if (!(fabs(x) <= ANGLE_MAX))
        return NAN;
    struct pair r = reduced(x, &quarters);
    quarters = (quarters + by) & 3;
    struct pair v = quarters % 2 == 0 ? sine(r) : series(r, 0);
    return quarters < 2 ? v.high : -v.high;
}

double trig_sin(double x)
{
    return x == 0 ? x : turned(x, 0);
}

double trig_cos(double x)
{
    return turned(x, 1);
}

/* Of 0 to 1/2. */
static struct pair arc(struct pair x)
{
    double z = x.high * x.high;
    double first =
        x.high * (1 + z * (1 / 6.0 + z * (3 / 40.0 + z * (15 / 336.0))));
    struct pair y = {first, 0};
    for (int i = 0; i < 4; i++) {
        struct pair s = sine(y);
        struct pair error = add(s, negative(x));
        double slope = sqrt(1 - s.high * s.high);
        y = add(y, negative(divided(error, slope)));
    }
    return y;
}

static struct pair root(double x)
{
    double r = sqrt(x);
    if (r == 0)
        return (struct pair){0, 0};
    struct pair rest = add((struct pair){x, 0}, negative(product_of(r, r)));
    return sum_of(r, rest.high / (2 * r));
}

double trig_asin(double x)
{
    double size = fabs(x);
    struct pair y;
    if (!(size <= 1))
        return NAN;
    if (size <= 0.5) {
        y = arc((struct pair){size, 0});
    } else { /* pi/2 - 2 asin(sqrt((1 - x) / 2)) */
        y = arc(root((1 - size) / 2));
        y = add(half_pi, negative(add(y, y)));
    }
    return x < 0 ? -y.high : y.high;
}
