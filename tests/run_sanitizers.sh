#!/bin/sh
# Builds the C++ module with the address and undefined-behaviour sanitizers, in a copy of the tree, and runs the
# kernel tests of the cpu backend on it.  Usage: tests/run_sanitizers.sh [PYTHON]
set -eu

python=${1:-python3}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

cp -R "$root/setup.py" "$root/pyproject.toml" "$root/csrc" "$root/mlmd" "$root/backends" "$root/kernels" \
    "$root/tuning" "$root/perf" "$work/"
mkdir "$work/tests" "$work/tests/perf"
cp -R "$root/tests/__init__.py" "$root/tests/conftest.py" "$root/tests/kernels" "$work/tests/"
cp "$root/tests/perf/__init__.py" "$root/tests/perf/test_roofs.py" "$work/tests/perf/"
rm -f "$work"/mlmd/_cpu*.so
cd "$work"

flags="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer"
CFLAGS="$flags" CXXFLAGS="$flags" LDFLAGS="-fsanitize=address,undefined" "$python" setup.py -q build_ext --inplace

libraries="$(${CXX:-g++} -print-file-name=libasan.so) $(${CXX:-g++} -print-file-name=libubsan.so) \
$(${CXX:-g++} -print-file-name=libstdc++.so)"
for isa in v2 v3 v4 v4bf16 amx; do
    echo "sanitizers, variant $isa"
    # Leaks are not looked for: the interpreter itself keeps memory until its end.
    MLMD_ISA=$isa LD_PRELOAD="$libraries" ASAN_OPTIONS=detect_leaks=0:alloc_dealloc_mismatch=0:allocator_may_return_null=1 \
        UBSAN_OPTIONS=print_stacktrace=1 PYTHONPATH="$work" \
        "$python" -m pytest tests/kernels tests/perf -q -x -p no:cacheprovider -k "cpu or plans or memory or roofs" \
        --deselect tests/kernels/test_variants.py
done
