// What the tuner found, as tuning/wisdom.py writes it and tuning/lookup.py asks it.
#pragma once

#include <string>

#include "plan.h"

namespace mlmd {

const char *type_name(int32_t type);

// What differs from the defaults of a launch.
std::string words(const mlmd_launch &launch);

// launch <- that of the entry for this problem, else of the one nearest in size; launch->threads are those to be had.
// Whether there was one, and why.
bool ask_wisdom(const Problem &problem, mlmd_launch *launch, std::string *reason);

}  // namespace mlmd
