#include "items.h"

#include "mlmd/current_items.h"
