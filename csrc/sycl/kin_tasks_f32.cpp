#include "kin_tasks.h"

MLMD_KIN_TASKS(float, f32)
