"""Lists that follow from the folders of `plugins/` are generated, and are up to date."""

from __future__ import annotations

from pathlib import Path
from types import ModuleType

import pytest

from tests.conftest import REPOSITORY
from tests.scripts import module_of

HINT = "Run: python tools/generate.py"


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    """Return the script that writes them."""
    return module_of(REPOSITORY / "tools/generate.py")


def write_project(folder: Path, text: str) -> None:
    """Write the `pyproject.toml` of a plugin."""
    folder.mkdir(parents=True)
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")


def repository(folder: Path) -> Path:
    """Write a repository with a core, a standard set and two plugins, of which one is in it."""
    write_project(
        folder,
        '[project]\nname = "tesseract-runtime-core"\n'
        "[tool.uv.sources]\n# generated: sources\nold = 1\n# end\n",
    )
    write_project(
        folder / "plugins/standard",
        '[project]\nname = "tesseract-runtime"\n'
        'dependencies = ["tesseract-runtime-core>=1", "tesseract-runtime-packed"]\n',
    )
    write_project(
        folder / "plugins/packed",
        '[project]\nname = "tesseract-runtime-packed"\n'
        '[tool.tesseract-runtime.provides]\nformats = ["packed"]\nencodings = ["p1", "p2"]\n',
    )
    (folder / "tests").mkdir()
    (folder / "tests/public_api.txt").write_text("runtime_core.open name\n", encoding="utf-8")
    write_project(folder / "plugins/heavy", '[project]\nname = "tesseract-runtime-heavy"\n')
    return folder


def test_generated_files_are_up_to_date(generate: ModuleType) -> None:
    """A new plugin needs one run of the script."""
    for path, text in generate.generated(REPOSITORY).items():
        assert path.read_text(encoding="utf-8") == text, HINT


def test_table_is_collected_by_hook_and_name(generate: ModuleType, tmp_path: Path) -> None:
    """Each plugin lists in its `pyproject.toml` the names that its hooks provide."""
    made = generate.generated(repository(tmp_path / "it"))
    [table] = [text for path, text in made.items() if path.name == "hints.json"]
    assert table == (
        '{\n  "encodings": {\n    "p1": "tesseract-runtime-packed",\n'
        '    "p2": "tesseract-runtime-packed"\n  },\n'
        '  "formats": {\n    "packed": "tesseract-runtime-packed"\n  }\n}\n'
    )


def test_requirements_are_relative_folders(generate: ModuleType, tmp_path: Path) -> None:
    """The standard set has the dependencies of `tesseract-runtime`; `all` has every folder."""
    root = repository(tmp_path / "it")
    made = generate.generated(root)
    standard = made[root / "requirements/standard.txt"].splitlines()[1:]
    everything = made[root / "requirements/all.txt"].splitlines()[1:]
    assert standard == [".", "./plugins/packed", "./plugins/standard"]
    assert everything == [".", "./plugins/heavy", "./plugins/packed", "./plugins/standard"]


def test_lists_of_the_root_project_are_filled(generate: ModuleType, tmp_path: Path) -> None:
    """A marked block of the root `pyproject.toml` is replaced, and nothing else."""
    root = repository(tmp_path / "it")
    assert generate.generated(root)[root / "pyproject.toml"] == (
        '[project]\nname = "tesseract-runtime-core"\n[tool.uv.sources]\n# generated: sources\n'
        "tesseract-runtime-core = { workspace = true }\n"
        "tesseract-runtime-heavy = { workspace = true }\n"
        "tesseract-runtime-packed = { workspace = true }\n"
        "tesseract-runtime = { workspace = true }\n# end\n"
    )
