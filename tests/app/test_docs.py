"""The documentation holds: keys are described with their defaults, inputs valid, samples run, links lead somewhere."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any, get_args

import pytest
from pydantic import BaseModel
from pydantic_core import PydanticUndefined

from mlmd import units
from mlmd.config import Config, Kick, NoLaser, PulseSettings
from mlmd.engine import default_engine
from mlmd.io.input import parse, parse_input
from mlmd.io.structure import read_structure
from mlmd.nnqmd.labelling import Labelling
from mlmd.nnqmd.recipe import Recipe
from mlmd.perf.sweep.config import Sweep, jobs
from mlmd.problem import grid_shape

ROOT = Path(__file__).resolve().parents[2]
PAGES = [ROOT / "README.md", ROOT / "ARCHITECTURE.md", *sorted((ROOT / "docs").rglob("*.md"))]
LASERS: tuple[type[BaseModel], ...] = (NoLaser, Kick, PulseSettings)
pytestmark = pytest.mark.skipif(not (ROOT / "docs").is_dir(), reason="the documentation is not here")


def models() -> dict[str, tuple[type[BaseModel], ...]]:
    """Sections of the input with the models that describe them."""
    sections: dict[str, tuple[type[BaseModel], ...]] = {"laser": LASERS}
    for name, field in Config.model_fields.items():
        kinds = [kind for kind in get_args(field.annotation) or (field.annotation,) if kind is not type(None)]
        if len(kinds) == 1 and isinstance(kinds[0], type) and issubclass(kinds[0], BaseModel):
            sections[name] = (kinds[0],)
    return sections


def rows(heading: str) -> dict[str, str]:
    """Key -> default in the table under a heading of docs/input.md."""
    text = (ROOT / "docs" / "input.md").read_text()
    (part,) = (part for part in text.split("\n## ")[1:] if part.startswith(heading + "\n"))
    cells = (
        [cell.strip() for cell in line.strip("|").split("|")] for line in part.splitlines() if line.startswith("| `")
    )
    return {row[0].strip("`"): row[3] for row in cells}


def as_written(default: Any) -> str:
    """A default as the table shows it."""
    return "-" if default is None or default is PydanticUndefined else f"`{json.dumps(default)}`"


def blocks(language: str) -> list[Any]:
    """Code blocks of a language in the documentation that stand for themselves; tests/docs runs the others."""
    found = []
    for page in PAGES:
        if page.is_file():
            for match in re.finditer(rf"(?<!-->\n)^```{language}\n(.*?)^```", page.read_text(), re.M | re.S):
                line = page.read_text()[: match.start()].count("\n") + 2
                found.append(pytest.param(match[1], id=f"{page.name}:{line}"))
    return found


@pytest.mark.parametrize("section", models())
def test_every_key_is_described_with_its_default(section: str) -> None:
    known = {key: as_written(field.default) for model in models()[section] for key, field in model.model_fields.items()}
    assert rows(f"`[{section}]`") == known


def test_every_section_and_unit_is_named() -> None:
    text = (ROOT / "docs" / "input.md").read_text()
    assert set(rows("Top level")) == set(Config.model_fields) - set(models())
    missing = [unit for table in units.KINDS.values() for unit in table if f"`{unit}`" not in text]
    assert not missing


@pytest.mark.parametrize("text", blocks("toml"))
def test_inputs_are_valid(text: str) -> None:
    if "[sweep]" in text:
        assert list(jobs(parse(Sweep, text, ROOT / "sample.toml")))
        return
    if "[electrons]" in text:
        assert parse(Labelling, text, ROOT / "sample.toml").electrons.excited
        return
    if "[training]" in text:
        assert parse(Recipe, text, ROOT / "sample.toml").training.epochs
        return
    config = parse_input(text, ROOT / "sample.toml")
    atoms = read_structure(config.system, ROOT / "sample.toml")
    default_engine().check(config, atoms, grid_shape(config.grid, atoms))


@pytest.mark.parametrize("code", blocks("python"))
def test_samples_run(
    code: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    exec(compile(code, "sample", "exec"), {"__name__": "sample"})
    assert capsys.readouterr().out


@pytest.mark.parametrize("page", [page.relative_to(ROOT).as_posix() for page in PAGES])
def test_links_lead_somewhere(page: str) -> None:
    text = re.sub(r"```.*?```|`[^`\n]*`", "", (ROOT / page).read_text(), flags=re.S)
    targets = re.findall(r"\]\(([^)#]+)|src=\"([^\"]+)\"", text)
    local = [one or other for one, other in targets if not (one or other).startswith("http")]
    assert [target for target in local if not ((ROOT / page).parent / target).exists()] == []
