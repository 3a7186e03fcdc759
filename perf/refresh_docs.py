"""Runs all benchmarks and writes their tables into the documentation: ``python -m mlmd.perf.refresh_docs``.

Each runs in a process of its own and leaves ``perf/results/NAME.json``; the tables go between the lines
``<!-- begin NAME -->`` and ``<!-- end NAME -->`` of ``docs/performance.md``.  Run it from the source tree, on a machine
with nothing else to do.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .record import from_json, write
from .render import markdown

PAGE, RESULTS = Path("docs/performance.md"), Path("perf/results")
TABLE3_SIZE = "--shape 70x70x72 --norb 64"
BENCHES = {
    "table3": f"table3 {TABLE3_SIZE}",
    "kin_prop": f"kin_prop {TABLE3_SIZE}",
    "kin_prop_1": f"kin_prop {TABLE3_SIZE} --threads 1",
    "kin_prop_c128": f"kin_prop {TABLE3_SIZE} --dtype complex128",
    "kin_prop_1024": "kin_prop --shape 32x32x32 --norb 1024",
    "kin_prop_16": "kin_prop --shape 64x64x64 --norb 16",
    "loc_prop": f"loc_prop {TABLE3_SIZE}",
    "nlp_prop_64": "nlp_prop --shape 64x64x64 --norb 64",
    "nlp_prop_256": "nlp_prop --shape 32x32x64 --norb 256",
    "nlp_prop_1024": "nlp_prop --shape 16x32x32 --norb 1024",
    "overlap": "overlap --shape 64x64x64 --norb 64",
    "density": f"density {TABLE3_SIZE}",
    "current": f"current {TABLE3_SIZE}",
    "hartree": "hartree --shape 128x128x128",
    "step_sycl": "step examples/pto_pulse.toml --backend sycl",
    "step": "step examples/pto_pulse.toml",
    "step_64": "step examples/pto_pulse.toml --norb 64 --precision fp32",
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the benchmarks that were asked for, then write the page.

    Returns
    -------
    int
        0, or 1 if a benchmark failed (its table then stays as it was).
    """
    parser = argparse.ArgumentParser(prog="python -m mlmd.perf.refresh_docs", description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"which (default: all): {', '.join(BENCHES)}")
    parser.add_argument("--render-only", action="store_true", help="run nothing, write the page from the records")
    parser.add_argument("--rounds", default="7", help="interleaved rounds (default: 7)")
    parser.add_argument("--note", help="a remark on the machine that goes below the tables")
    options = parser.parse_args(arguments)
    unknown = [name for name in options.names if name not in BENCHES]
    if unknown or not PAGE.exists():
        parser.error(
            f"no such benchmark: {', '.join(unknown)}" if unknown else f"{PAGE} is not here: go to the sources"
        )
    failed = []
    if not options.render_only:
        failed = [name for name in options.names or BENCHES if not run(name, options.rounds, options.note)]
    PAGE.write_text(filled(PAGE.read_text(), tables(RESULTS)))
    if failed:
        print(f"not refreshed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def run(name: str, rounds: str, note: str | None) -> bool:
    """Run one benchmark; whether it wrote its record."""
    path = RESULTS / f"{name}.json"
    command = [*BENCHES[name].split(), "--rounds", rounds, "--json", str(path)]
    print(f"mlmd bench {' '.join(command)}", flush=True)
    start = [sys.executable, "-c", "from mlmd.cli import main; main()", "bench"]
    if subprocess.run([*start, *command], check=False).returncode != 0:
        return False
    if note:
        record = from_json(path.read_text())
        write(path, replace(record, notes=[*record.notes, note]))
    return True


def tables(folder: Path) -> dict[str, str]:
    """The records of a folder as text for the page, by name."""
    return {path.stem: markdown(from_json(path.read_text())) for path in sorted(folder.glob("*.json"))}


def filled(page: str, texts: dict[str, str]) -> str:
    """The page with new text between its markers; a marker without a record stays as it is.

    Examples
    --------
    >>> print(filled("<!-- begin a -->\\nold\\n<!-- end a -->", {"a": "new"}))
    <!-- begin a -->
    new
    <!-- end a -->
    """

    def replaced(match: re.Match[str]) -> str:
        name = match[1]
        return f"<!-- begin {name} -->\n{texts[name]}\n<!-- end {name} -->" if name in texts else match[0]

    return re.sub(r"<!-- begin (\w+) -->\n.*?<!-- end \1 -->", replaced, page, flags=re.S)


if __name__ == "__main__":
    sys.exit(main())
