#include "items.h"

#include "mlmd/nlp_prop.h"
