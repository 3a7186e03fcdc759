#define PARTS 3

#include "nlp_bf16.h"
