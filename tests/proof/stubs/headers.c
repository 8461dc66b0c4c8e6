/* Brings the inline functions of base/ before the prover. */
#include "base/bytes.h"
#include "base/list.h"
#include "base/num.h"
#include "base/reader.h"
