#include "mlmd/multigrid_items.h"
