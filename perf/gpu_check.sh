#!/bin/sh
# Builds MLMD, tests the CUDA backend, looks for memory errors and races in its kernels, and times it; in less than nine
# minutes on a machine with an NVIDIA GPU, without a network.
#
# Usage: perf/gpu_check.sh [PYTHON [FOLDER]]
#   PYTHON  has NumPy, SciPy, CuPy, pytest, hypothesis, pybind11 and setuptools; default: python3.  Nothing is installed
#           there: the module is built in this tree.
#   FOLDER  where the records of the benchmark go; default: perf/results.
#
# Exit status: 0 if all parts passed, 1 if one failed (which is said at the end), 2 if there is nothing to check.
set -u

python=${1:-python3}
cd "$(dirname "$0")/.." || exit 2
root=$(pwd)
results=${2:-$root/perf/results}
export PYTHONPATH="$root" OMP_WAIT_POLICY=passive OPENBLAS_NUM_THREADS=1
# Kernels compiled here do not mix with those of other versions.
CUPY_CACHE_DIR=$(mktemp -d) || exit 2
export CUPY_CACHE_DIR
trap 'rm -rf "$CUPY_CACHE_DIR"' EXIT
began=$(date +%s)
failed=""

# part NAME SECONDS COMMAND...: runs a part for at most so long, and remembers whether it failed.
part() {
    name=$1
    limit=$2
    shift 2
    echo "== $name (after $(($(date +%s) - began)) s, at most $limit s)"
    timeout "$limit" "$@"
    status=$?
    [ "$status" -eq 0 ] || { failed="$failed $name($status)"; echo "== $name failed with status $status"; }
}

# The allocator that keeps memory for later hides what is written beyond an array.
every_kernel='
import sys
import cupy, pytest
cupy.cuda.set_allocator(None)
sys.exit(pytest.main(["-q", "-x", "-p", "no:cacheprovider", "tests/kernels/test_agreement.py",
                      "-k", "cuda and (same_bits or several_ranges)"]))
'

"$python" - <<'END' || exit 2
import sys

from mlmd.backends import cuda, get

status = get("cuda").status()
print("cuda:", cuda.describe(0) if status.works else status.reason)
sys.exit(0 if status.works else 2)
END

part build 150 "$python" setup.py -q build_ext --inplace
part tests 160 "$python" -m pytest -q -p no:cacheprovider tests/backends tests/kernels/test_agreement.py \
    tests/kernels/test_hartree.py tests/kernels/test_overlap.py tests/dcmesh/test_device_lfd.py -k cuda -m "not slow"
sanitizer=$(command -v compute-sanitizer || ls /usr/local/cuda/bin/compute-sanitizer 2>/dev/null)
if [ -n "$sanitizer" ]; then
    for tool in memcheck racecheck; do
        part "$tool" 60 "$sanitizer" --tool "$tool" --error-exitcode 9 --target-processes all \
            "$python" -c "$every_kernel"
    done
else
    echo "== compute-sanitizer is not here: it comes with the CUDA toolkit"
fi
part benchmark 100 "$python" -m mlmd.perf.device_bench --backend cuda --out "$results"

echo "== done after $(($(date +%s) - began)) s${failed:+; failed:$failed}"
[ -z "$failed" ]
