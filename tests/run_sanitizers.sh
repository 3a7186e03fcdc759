#!/bin/sh
# Builds the C++ module with sanitizers, in copies of the tree, and runs the kernel tests of the cpu backend on it for
# each instruction set:  "memory" is the address and undefined-behaviour sanitizers, "threads" the thread sanitizer.
# "cuda" is the first two on the CUDA kernels, which run on the processor then (tests/cuda_on_host).
# Usage: tests/run_sanitizers.sh [PYTHON [memory|threads|cuda|all]]
#
# The thread sanitizer sees what the compiled kernels read and write, with tests/openmp_on_threads.cpp as the OpenMP
# runtime.  It does not see what AMX tile instructions load and store, nor NumPy, BLAS, or libgomp itself; and it finds
# races of the schedules that it meets, on the small grids of the tests.  The runtime is for code compiled by GCC.
set -eu

python=${1:-python3}
wanted=${2:-all}
root=$(cd "$(dirname "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
compiler=${CXX:-g++}

# A copy of what the kernel tests need, built with the flags given.
build() {
    mkdir -p "$work/$1/tests/perf"
    (cd "$root" && cp -R setup.py pyproject.toml csrc mlmd backends kernels tuning perf "$work/$1/")
    (cd "$root/tests" && cp -R __init__.py conftest.py kernels embed openmp_on_threads.cpp "$work/$1/tests/")
    cp "$root/tests/perf/__init__.py" "$root/tests/perf/test_roofs.py" "$work/$1/tests/perf/"
    rm -rf "$work/$1"/mlmd/_cpu*.so "$work/$1"/mlmd/lib
    cd "$work/$1"
    CFLAGS="$2" CXXFLAGS="$2" LDFLAGS="$3" "$python" setup.py -q build_ext --inplace
}

library() { "$compiler" -print-file-name="$1"; }

# Runs a command (after the kind of check and the tests to leave out) with pytest's arguments for each instruction set.
run_tests() {
    kind=$1
    left_out=$2
    shift 2
    for isa in v2 v3 v4 v4bf16 amx; do
        echo "$kind, variant $isa"
        MLMD_ISA=$isa "$@" -m pytest tests/kernels tests/perf tests/embed -q -x --capture=sys -p no:cacheprovider \
            -k "cpu or plans or memory or roofs or wisdom" --deselect tests/kernels/test_variants.py \
            --ignore tests/kernels/test_cuda_on_host.py $left_out
    done
}

check_memory() {
    build memory "-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" \
        "-fsanitize=address,undefined"
    # Leaks are not looked for: the interpreter itself keeps memory until its end.
    run_tests "address and undefined behaviour" "" env \
        LD_PRELOAD="$(library libasan.so) $(library libubsan.so) $(library libstdc++.so)" \
        ASAN_OPTIONS=detect_leaks=0:alloc_dealloc_mismatch=0:allocator_may_return_null=1 UBSAN_OPTIONS=print_stacktrace=1 \
        PYTHONPATH="$work/memory" "$python"
}

check_threads() {
    build threads "-fsanitize=thread -fno-omit-frame-pointer" "-fsanitize=thread"
    "$compiler" -std=c++17 -O1 -g -fsanitize=thread -fPIC -shared tests/openmp_on_threads.cpp -o openmp_on_threads.so
    # The sanitizer's memory map has no room for every random address of newer kernels.
    fixed="setarch $(uname -m) --addr-no-randomize"
    $fixed true 2>/dev/null || fixed=
    # The physics of kin_prop is tested with one thread; its threads are in the tests of agreement and concurrency.
    run_tests "threads" "--deselect tests/kernels/test_kin_prop.py" $fixed env \
        LD_PRELOAD="$(library libtsan.so) $(library libstdc++.so) $work/threads/openmp_on_threads.so" \
        TSAN_OPTIONS=ignore_noninstrumented_modules=1:halt_on_error=1:exitcode=66 \
        PYTHONPATH="$work/threads" "$python"
}

check_cuda() {
    echo "address and undefined behaviour, CUDA kernels"
    cd "$root"
    env LD_PRELOAD="$(library libasan.so) $(library libubsan.so) $(library libstdc++.so)" \
        ASAN_OPTIONS=detect_leaks=0:alloc_dealloc_mismatch=0:detect_stack_use_after_return=0 \
        UBSAN_OPTIONS=print_stacktrace=1 CXX="$compiler" PYTHONPATH="$root" \
        MLMD_CUDA_ON_HOST_FLAGS="-fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer" \
        "$python" -m pytest tests/kernels/test_cuda_on_host.py -q -x --capture=sys -p no:cacheprovider
}

case $wanted in
    memory) check_memory ;;
    threads) check_threads ;;
    cuda) check_cuda ;;
    all) check_memory; check_threads; check_cuda ;;
    *) echo "usage: $0 [PYTHON [memory|threads|cuda|all]]" >&2; exit 2 ;;
esac
