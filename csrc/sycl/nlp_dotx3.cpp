#define MLMD_PARTS 3

#include "nlp_dot.h"
