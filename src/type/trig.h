/*
 * Sine, cosine and arc sine that are the same on every machine, for what
 * becomes part of the state: a mathematical library may choose its code by the
 * processor. They are the numbers nearest to the true values, but for one in
 * very many, and cost some twenty times as much.
 */
#ifndef TYPE_TRIG_H
#define TYPE_TRIG_H

#include "base/base.h"

/* Of -100 to 100; else NaN. */
double trig_sin(double x);
double trig_cos(double x);
/* Of -1 to 1; else NaN. */
double trig_asin(double x);

#endif
