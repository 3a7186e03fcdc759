"""The child process in which a backend runs during a sweep: whatever it breaks, the sweep goes on.

It answers questions, one JSON line each: ``hello`` (what the backend is), ``builds`` (which code), ``peaks`` (what the
machine can do), ``prepare`` (check a problem and warm it up), ``sample`` (time it once).  Each backend has one;
a sample is taken only when the parent asks, so that the backends take turns.
"""

from __future__ import annotations

import ctypes
import gc
import json
import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any

from ...backends import (
    BackendUnavailable,
    Device,
    DeviceBackend,
    DeviceMemoryError,
    MlmdError,
    PlanError,
    describe,
    get,
)
from ...tuning.key import build_of
from ...tuning.timing import repeats, sample
from ..bench_kinetic import reading_pass, scaling_pass
from ..cases import MODES_OF, REDUCTIONS, Problem, memory_array, plan_and_call
from ..roofs import measure, native
from .check import TOLERANCE, compared, relative_error
from .device_peaks import measure_device

ROOF = "roof"  # the worker that takes the passes over the host's memory
PR_SET_PDEATHSIG = 1
CLOCK = time.perf_counter
Answer = dict[str, Any]


class Bench:
    """What one worker is timing.

    Parameters
    ----------
    backend : str
        Name of the backend, or ``"roof"``.
    """

    def __init__(self, backend: str) -> None:
        self.backend = backend
        self._call: Callable[[], Any] | None = None
        self._pass: Callable[[], Any] | None = None
        self._repeats = self._pass_repeats = 1

    def hello(self) -> Answer:
        """Whether the backend works, and on what."""
        if self.backend == ROOF:
            return {"isa": str(native().isa())}
        backend = get(self.backend)
        status = backend.status()
        if not status.works:
            raise BackendUnavailable(status.reason)
        if not isinstance(backend, DeviceBackend):
            return {"device": describe().cpu, "processor": True}
        device = backend.arrays()
        index = int(device.name.partition(":")[2] or 0)
        return {"device": backend.describe(index), "processor": device.processor}

    def builds(self, kernels: list[str]) -> Answer:
        """Which code the kernels are; of a kernel of several methods all of them."""
        name = get(self.backend).name
        methods = {kernel: MODES_OF[kernel] if kernel == "hartree" else ("",) for kernel in kernels}
        return {"builds": {k: "+".join(build_of(k, name, method) for method in methods[k]) for k in kernels}}

    def peaks(self, threads: int, nbytes: int) -> Answer:
        """The roofs of the host, or of a device of its own."""
        if self.backend == ROOF:
            return asdict(measure(threads, nbytes))
        return measure_device(self._device(), nbytes)

    def prepare(self, problem: Answer, mode: str, limit: float) -> Answer:
        """Compare with the reference, build the plan, warm it up; tell what a call amounts to."""
        self.release()
        given = Problem(**{**problem, "shape": tuple(problem["shape"])})
        if self.backend == ROOF:
            return self._prepare_pass(given, given.kernel in REDUCTIONS)
        small = compared(given)
        error = relative_error(small, mode, self.backend)
        answer: Answer = {"error": error, "checked": "x".join(map(str, small.shape))}
        if not error <= TOLERANCE[mode]:
            reason = f"the relative error is {error:.1e}, above the {TOLERANCE[mode]:.0e} of {mode}"
            return answer | {"status": "wrong", "reason": reason}
        plan, call = plan_and_call(given, mode, self.backend)
        seconds = min(sample(call, 1, CLOCK) for _ in range(2))
        if seconds > limit:
            reason = f"a call takes {seconds:.3g} s, more than [limits] call = {limit:g} s"
            return answer | {"status": "slow", "reason": reason}
        self._call, self._repeats = call, repeats(call, CLOCK)
        answer |= {"flops": plan.flops(), "bytes": plan.bytes(), "tuning": plan.tuning}
        device = plan.arrays
        if isinstance(device, Device) and not device.processor:
            answer["pass_bytes"] = self._prepare_copy(device, given.nbytes)
        return answer

    def _prepare_pass(self, problem: Problem, reduction: bool) -> Answer:
        make = reading_pass if reduction else scaling_pass
        self._call = make(memory_array(problem), problem.threads)
        self._repeats = repeats(self._call, CLOCK)
        return {"bytes": problem.nbytes * (1 if reduction else 2)}

    def _prepare_copy(self, device: Device, nbytes: int) -> int:
        """A copy within the device's memory, the roof of what runs there."""
        a, b = (device.zeros((max(1, nbytes // 8),), "float64") for _ in range(2))

        def copied() -> None:
            device.copy(a, b)
            device.synchronize()

        self._pass, self._pass_repeats = copied, repeats(copied, CLOCK)
        return 2 * nbytes

    def sample(self) -> Answer:
        """Seconds of one call, and on a device of its own of the pass over its memory."""
        if self._call is None:
            raise MlmdError("nothing is prepared")
        answer = {"seconds": sample(self._call, self._repeats, CLOCK)}
        if self._pass is not None:
            answer["pass_seconds"] = sample(self._pass, self._pass_repeats, CLOCK)
        return answer

    def release(self) -> Answer:
        """Forget the problem."""
        self._call = self._pass = None
        gc.collect()
        return {}

    def _device(self) -> Device:
        device = get(self.backend).arrays()
        if not isinstance(device, Device):
            raise MlmdError(f"backend '{self.backend}' has no device of its own")
        return device


def answer_to(bench: Bench, question: Answer) -> Answer:
    """What a question gets, errors as a status with a reason."""
    try:
        found = getattr(bench, question.pop("do"))(**question)
        return {"status": "ok"} | found
    except BackendUnavailable as error:
        return {"status": "unavailable", "reason": str(error)}
    except (DeviceMemoryError, MemoryError) as error:
        bench.release()
        return {"status": "memory", "reason": str(error) or "out of memory"}
    except PlanError as error:
        return {"status": "unsupported", "reason": str(error)}
    except Exception as error:  # a backend may fail in any way it likes; the row says how
        bench.release()
        return {"status": "error", "reason": f"{type(error).__name__}: {error}"}


def main(backend: str) -> None:
    """Answer questions from standard input until it ends."""
    _die_with_the_parent()
    bench = Bench(backend)
    with _own_output() as out:
        for text in sys.stdin:
            out.write(json.dumps(answer_to(bench, json.loads(text))) + "\n")
            out.flush()


@contextmanager
def _own_output() -> Iterator[Any]:
    """The pipe to the parent; what libraries print goes to standard error."""
    with os.fdopen(os.dup(1), "w") as out:
        os.dup2(2, 1)
        yield out


def _die_with_the_parent() -> None:
    """Ctrl-C is the parent's; when it is killed, or memory runs short, this process goes first."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        score = Path("/proc/self/oom_score_adj")
        if os.access(score, os.W_OK):
            score.write_text("1000")
