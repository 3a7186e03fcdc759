#include "mlmd/local_potential_items.h"
