/* What the files of decimal arithmetic share. */
#ifndef BASE_DECIMAL_FINISH_H
#define BASE_DECIMAL_FINISH_H

#include "instance/base/bigdec.h"
#include "instance/base/decimal.h"

/**
 * Make a decimal of coef * 10^-scale, rounded half up to what a decimal holds;
 * coef is used up. -1 when digits before the point would be lost.
 */
int decimal_finish(struct big *coef, int scale, bool is_negative, struct decimal *ret);

#endif
