#include "kin_tasks.h"

MLMD_KIN_TASKS(double, f64)
