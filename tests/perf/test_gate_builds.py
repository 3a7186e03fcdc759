"""Builds for the gate: folders, and revisions of a small checkout whose build script only pretends to compile."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from mlmd.errors import MlmdError
from mlmd.perf.compare.builds import SUFFIX, find_build, identity_of

SETUP = """
import pathlib, sysconfig
log = pathlib.Path({log!r})
log.write_text(log.read_text() + "built ")
pathlib.Path("mlmd/_cpu" + sysconfig.get_config_var("EXT_SUFFIX")).write_text("extension")
"""


def git(folder: Path, *arguments: str) -> None:
    name = ["-c", "user.name=a", "-c", "user.email=a@b"]
    subprocess.run(["git", "-C", str(folder), *name, *arguments], check=True, capture_output=True)


def commit(folder: Path, message: str) -> None:
    git(folder, "add", "-A")
    git(folder, "commit", "-qm", message)


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A checkout with two good revisions, ``first`` and ``second``, and one that does not build, ``broken``."""
    monkeypatch.setenv("MLMD_CACHE", str(tmp_path / "cache"))
    (tmp_path / "log").write_text("")
    folder = tmp_path / "checkout"
    (folder / "mlmd/kernels").mkdir(parents=True)
    git(folder, "init", "-q")
    (folder / "mlmd/__init__.py").write_text("")
    (folder / "setup.py").write_text(SETUP.format(log=str(tmp_path / "log")))
    for name in ("first", "second"):
        (folder / "mlmd/kernels/k.py").write_text(f"# {name}\n")
        commit(folder, name)
        git(folder, "tag", name)
    (folder / "setup.py").write_text("raise SystemExit('no compiler')")
    commit(folder, "broken")
    git(folder, "tag", "broken")
    return folder


def test_a_revision_is_built_once(checkout: Path, tmp_path: Path) -> None:
    told: list[str] = []
    builds = [find_build(name, "BASE", checkout, told.append) for name in ("first", "second", "first", "HEAD~2")]
    assert (tmp_path / "log").read_text() == "built built "
    assert len(told) == 2
    assert told[0].startswith(f"building {builds[0].commit[:12]}")
    assert builds[0].folder == builds[2].folder == builds[3].folder != builds[1].folder
    assert builds[0].identity == builds[3].identity != builds[1].identity
    assert (builds[0].folder / "mlmd/kernels/k.py").read_text() == "# first\n"
    assert len(builds[0].commit) == 40


def test_another_compiler_means_another_build(
    checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = find_build("first", "BASE", checkout, print)
    monkeypatch.setenv("CXXFLAGS", "-O1")
    assert find_build("first", "BASE", checkout, print).folder != first.folder
    assert (tmp_path / "log").read_text() == "built built "


def test_a_revision_that_does_not_build(checkout: Path, tmp_path: Path) -> None:
    with pytest.raises(MlmdError, match=r"does not build \(no compiler\); the log is"):
        find_build("broken", "HEAD", checkout, print)
    left = sorted(path.suffix for path in (tmp_path / "cache/builds").iterdir())
    assert left == [".log"]


@pytest.mark.parametrize("name", ["no-such-branch", "--help", "HEAD~99"])
def test_a_revision_that_is_not_there(checkout: Path, name: str) -> None:
    with pytest.raises(MlmdError, match=f"BASE {name}: is neither a folder nor a revision of the checkout"):
        find_build(name, "BASE", checkout, print)


def test_no_checkout(tmp_path: Path) -> None:
    with pytest.raises(MlmdError, match=r"HEAD main: is neither a folder nor a revision .*not a git repository"):
        find_build("main", "HEAD", tmp_path, print)


def test_a_cache_that_cannot_be_written(checkout: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MLMD_CACHE", str(tmp_path / "log"))  # a file
    with pytest.raises(MlmdError, match="set MLMD_CACHE to a folder of yours"):
        find_build("first", "BASE", checkout, print)


def test_folders(checkout: Path) -> None:
    with pytest.raises(MlmdError, match=r"its C\+\+ extension mlmd/_cpu.* is not there; build it"):
        find_build(str(checkout), "BASE", checkout, print)
    with pytest.raises(MlmdError, match="there is no package mlmd in this folder"):
        find_build(str(checkout.parent), "BASE", checkout, print)
    (checkout / f"mlmd/_cpu{SUFFIX}").write_text("extension")
    by_root, by_package = (find_build(str(path), "BASE", checkout, print) for path in (checkout, checkout / "mlmd"))
    assert by_root.folder == by_package.folder == checkout
    assert by_root.commit == ""


def test_the_identity_follows_kernels_and_extension(checkout: Path) -> None:
    before = identity_of(checkout)
    (checkout / f"mlmd/_cpu{SUFFIX}").write_text("extension")
    compiled = identity_of(checkout)
    (checkout / "mlmd/kernels/k.py").write_text("# third\n")
    assert len({before, compiled, identity_of(checkout)}) == 3
