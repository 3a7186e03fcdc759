#include "mlmd/density_items.h"
