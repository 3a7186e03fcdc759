"""Headers, library, Fortran module and Python agree on the interface; a program of another one is told so."""

from __future__ import annotations

import ctypes
import re
import subprocess
from pathlib import Path

import pytest

from mlmd import _cpu, embed
from mlmd.backends import cpu, get
from mlmd.backends.sources import abi_version, csrc
from mlmd.errors import BackendUnavailable

from .plans import STATUS, HartreeMethod, Options, Refused, call, library, text

ABI = abi_version(csrc() / "include")


def test_the_backend_wants_the_interface_of_the_header() -> None:
    assert cpu.INTERFACE == ABI


def test_the_names_of_statuses() -> None:
    names = [text(library().mlmd_status_name, status) for status in range(len(STATUS))]
    assert tuple(names) == STATUS
    assert text(library().mlmd_status_name, len(STATUS)) == text(library().mlmd_status_name, -1) == "unknown status"


def test_another_abi_is_refused() -> None:
    here = ABI
    call("require_abi", here)
    with pytest.raises(Refused, match=rf"UNSUPPORTED: .* header of ABI {here + 1} .*library is of ABI {here}: compile"):
        call("require_abi", here + 1)


def test_python_compares_header_and_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    header = (embed.prefix() / "include/mlmd/mlmd_kernels.h").read_text()
    (tmp_path / "include/mlmd").mkdir(parents=True)
    other = header.replace(f"MLMD_ABI_VERSION {ABI}", "MLMD_ABI_VERSION 77")
    (tmp_path / "include/mlmd/mlmd_kernels.h").write_text(other)
    (tmp_path / "lib").mkdir()
    for name in ("libmlmd_kernels.so", "libmlmd_kernels.so.77"):
        (tmp_path / "lib" / name).write_bytes((embed.prefix() / "lib/libmlmd_kernels.so").read_bytes())
    monkeypatch.setattr(embed, "PREFIX", tmp_path)
    with pytest.raises(BackendUnavailable, match="has the interface 1, its header the interface 77: install MLMD anew"):
        embed.library()


def test_a_stale_extension_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    assert get("cpu").status().works
    monkeypatch.setattr(_cpu, "ABI_VERSION", 77)
    status = get("cpu").status()
    assert not status.works
    assert "the C++ extension has the interface 77" in status.reason


def test_an_installation_without_the_library_says_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embed, "PREFIX", tmp_path)
    with pytest.raises(BackendUnavailable, match=r"the library libmlmd_kernels is not in .*: run 'pip install .'"):
        embed.cflags()


def test_the_library_shows_its_own_functions_only() -> None:
    symbols = subprocess.run(
        ["nm", "-D", "--defined-only", "--format=posix", str(embed.prefix() / "lib/libmlmd_kernels.so")],
        capture_output=True,
        text=True,
        check=True,
    )
    names = {line.split()[0] for line in symbols.stdout.splitlines()}
    headers = "".join(path.read_text() for path in (embed.prefix() / "include/mlmd").glob("*.h"))
    declared = set(re.findall(r"^MLMD_API [^;]*?(mlmd_\w+)\(", headers, re.M))
    assert names == declared


def enumerators(text: str, pattern: str) -> dict[str, int]:
    """Name -> value of all enumerations in a source, in lower case."""
    found = {}
    for body in re.findall(pattern, text, re.S):
        for place, entry in enumerate(re.sub(r"/\*.*?\*/|&|enumerator ::", "", body, flags=re.S).split(",")):
            name, _, value = (part.strip().lower() for part in entry.partition("="))
            found[name] = int(value) if value else place
    return found


def test_the_fortran_module_has_the_numbers_of_the_headers() -> None:
    headers = "".join(path.read_text() for path in sorted((embed.prefix() / "include/mlmd").glob("*.h")))
    module = embed.fortran().read_text()
    theirs = enumerators(headers, r"typedef enum \w+ \{(.*?)\}")
    ours = enumerators(module, r"enum, bind\(c\)\n(.*?)end enum")
    assert len(ours) > 20
    assert ours == {name: theirs[name] for name in ours}
    assert f"mlmd_abi = {ABI}\n" in module
    assert f"size = {ctypes.sizeof(Options)}\n" in module
    assert ctypes.sizeof(HartreeMethod) == 24
