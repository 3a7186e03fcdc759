#include "mlmd/loc_prop_items.h"
