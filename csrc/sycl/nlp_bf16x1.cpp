#define PARTS 1

#include "nlp_bf16.h"
