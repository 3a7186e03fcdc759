#include "mlmd/dsa_items.h"
