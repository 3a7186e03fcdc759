#include "mlmd/current_items.h"
