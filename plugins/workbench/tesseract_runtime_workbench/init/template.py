"""The files of the recipe `base`."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.resources import files as resources

from runtime_core.distributions import with_install_commands

NAMES = ("tesseract_api.py", "README.md", "inputs.json", "test_cases/apply.json")


def files() -> Mapping[str, str]:
    """Return the text of each file by its path in a new Tesseract.

    >>> sorted(files())
    ['README.md', 'inputs.json', 'tesseract_api.py', 'test_cases/apply.json']
    """
    folder = resources("tesseract_runtime_workbench.init") / "recipe"
    texts = {name: folder.joinpath(*name.split("/")).read_text("utf-8") for name in NAMES}
    return {**texts, "README.md": with_install_commands(texts["README.md"])}
