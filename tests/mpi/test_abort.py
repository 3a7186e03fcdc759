"""The end of a job by force."""

from __future__ import annotations

import subprocess
import sys

STRAY = """
from mlmd.dcmesh.parallel.abort import abort
class World:
    def Abort(self, code):
        pass
try:
    abort(World(), "why")
finally:
    print("still at work")
"""


def test_the_rank_ends_with_its_last_words_where_abort_comes_back() -> None:
    answer = subprocess.run([sys.executable, "-c", STRAY], capture_output=True, text=True, timeout=60, check=False)
    assert answer.returncode == 2
    assert answer.stderr == "why\n" and not answer.stdout
