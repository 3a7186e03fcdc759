#define MLMD_PARTS 2

#include "nlp_dot.h"
