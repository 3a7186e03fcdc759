#include "items.h"

#include "mlmd/forms.h"
