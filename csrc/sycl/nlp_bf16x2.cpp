#define PARTS 2

#include "nlp_bf16.h"
