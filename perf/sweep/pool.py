"""The processes in which the backends of a sweep run: started when needed, replaced when one breaks."""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from .worker import Answer

START_SECONDS = 180.0  # for imports and the first look for devices
LOOK_SECONDS = 0.1  # between two looks whether the user wants to stop
REASON_LENGTH = 300
CALM = {"KMP_BLOCKTIME": "0", "OPENBLAS_THREAD_TIMEOUT": "4"}  # idle threads must not spin beside other processes
FAULT_HANDLER = "Fatal Python error:"  # what Python adds to the last words of a process under PYTHONFAULTHANDLER


class Stopped(Exception):
    """The user asked the sweep to stop."""


class Lost(Exception):
    """A worker crashed or hung; `status` and the message become the row."""

    def __init__(self, status: str, reason: str) -> None:
        super().__init__(reason)
        self.status = status


class Worker:
    """One child process.

    Parameters
    ----------
    backend : str
        What runs in it.
    threads : int
        Threads of its libraries.
    stopped : callable
        Whether the user wants to stop.
    """

    def __init__(self, backend: str, threads: int, stopped: Callable[[], bool]) -> None:
        self.backend, self._stopped = backend, stopped
        program = f"import sys; sys.path[:] = {sys.path!r}; from mlmd.perf.sweep.worker import main; main({backend!r})"
        own = {"OPENBLAS_NUM_THREADS": str(threads), "DPCPP_CPU_NUM_CUS": str(threads)}
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115
        self._process = subprocess.Popen(
            [sys.executable, "-c", program],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            env=CALM | dict(os.environ) | own,
        )
        self._buffer = b""

    def ask(self, what: str, seconds: float, **arguments: Any) -> Answer:
        """The answer to a question.

        Raises
        ------
        Lost
            If the process ends or does not answer in time; it is gone then.
        Stopped
            If the user wants to stop.
        """
        pipe = self._process.stdin
        assert pipe is not None
        if self._stopped():
            raise Stopped
        try:
            pipe.write(json.dumps({"do": what} | arguments).encode() + b"\n")
            pipe.flush()
        except BrokenPipeError:
            raise self._crashed() from None
        return dict(json.loads(self._line(time.monotonic() + seconds, seconds)))

    def _line(self, deadline: float, seconds: float) -> bytes:
        pipe = self._process.stdout
        assert pipe is not None
        while b"\n" not in self._buffer:
            if select.select([pipe], [], [], LOOK_SECONDS)[0]:
                more = os.read(pipe.fileno(), 65536)
                if not more:
                    raise self._crashed()
                self._buffer += more
            elif self._stopped():
                raise Stopped
            elif time.monotonic() > deadline:
                self.close()
                raise Lost("timeout", f"no answer within {seconds:g} s; the process was ended")
        found, _, self._buffer = self._buffer.partition(b"\n")
        return found

    def _crashed(self) -> Lost:
        code = self._process.wait()
        how = f"exit code {code}" if code >= 0 else f"{signal.Signals(-code).name}"
        if code == -signal.SIGKILL:
            how += ", perhaps for lack of memory"
        self._errors.seek(0)
        words, _, _ = self._errors.read().decode(errors="replace").partition(FAULT_HANDLER)
        said = words.strip().splitlines()
        self.close()
        return Lost("crash", plain(f"the process ended ({how})" + (f": {said[-1]}" if said else "")))

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.wait()
        for pipe in (self._process.stdin, self._process.stdout):
            if pipe is not None:
                try:
                    pipe.close()
                except BrokenPipeError:  # a question that nobody will read any more
                    continue
        self._errors.close()


class Pool:
    """Workers by backend.

    Parameters
    ----------
    threads : int
        Threads of each.
    stopped : callable
        Whether the user wants to stop.
    """

    def __init__(self, threads: int, stopped: Callable[[], bool]) -> None:
        self._threads, self._stopped = threads, stopped
        self._workers: dict[str, Worker] = {}
        self._hello: dict[str, Answer] = {}

    def hello(self, backend: str) -> Answer:
        """What a backend is and whether it works; asked once."""
        if backend not in self._hello:
            try:
                self._hello[backend] = self._get(backend).ask("hello", START_SECONDS)
            except Lost as lost:
                self._forget(backend)
                self._hello[backend] = {"status": lost.status, "reason": str(lost)}
            if self._hello[backend]["status"] != "ok":
                self._forget(backend)
        return self._hello[backend]

    def ask(self, backend: str, what: str, seconds: float, **arguments: Any) -> Answer:
        """The answer of a backend; a crash or a hang is an answer too, and the next question goes to a new process."""
        try:
            return self._get(backend).ask(what, seconds, **arguments)
        except Lost as lost:
            self._forget(backend)
            return {"status": lost.status, "reason": str(lost)}

    def _get(self, backend: str) -> Worker:
        if backend not in self._workers:
            self._workers[backend] = Worker(backend, self._threads, self._stopped)
        return self._workers[backend]

    def _forget(self, backend: str) -> None:
        if worker := self._workers.pop(backend, None):
            worker.close()

    def __enter__(self) -> Pool:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        for backend in list(self._workers):
            self._forget(backend)


def plain(text: str) -> str:
    """A reason on one line, not too long.

    Examples
    --------
    >>> plain("no\\n  device")
    'no device'
    """
    text = " ".join(text.split())
    return text if len(text) <= REASON_LENGTH else text[: REASON_LENGTH - 3] + "..."
