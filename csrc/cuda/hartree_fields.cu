#include "mlmd/hartree_fields_items.h"
