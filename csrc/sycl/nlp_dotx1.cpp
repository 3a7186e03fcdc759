#define MLMD_PARTS 1

#include "nlp_dot.h"
