// Memory for arrays of the caller, first written by the threads that will work on it.
#include "common.h"

#ifdef MLMD_ENTRY

#include <algorithm>
#include <cstring>

mlmd_status mlmd_zeros(int64_t bytes, int threads, void **memory) {
    if (const mlmd_status status = mlmd::check(threads)) return status;
    if (bytes < 0 || !memory) return mlmd::fail(MLMD_BAD_ARGUMENT, "bytes is below 0, or there is no place for the result");
    char *data = static_cast<char *>(mlmd::MLMD_ISA::allocate(bytes));
    if (!data) return mlmd::fail(MLMD_OUT_OF_MEMORY, "not enough memory for the array");
    const int64_t share = bytes / threads + 1;
#pragma omp parallel for num_threads(threads) schedule(static, 1)
    for (int part = 0; part < threads; ++part) {
        const int64_t begin = std::min(part * share, bytes), end = std::min(begin + share, bytes);
        std::memset(data + begin, 0, end - begin);
    }
    *memory = data;
    return MLMD_OK;
}

void mlmd_free(void *memory) { std::free(memory); }

#endif
