"""A file is found, and finds what is beside it, wherever it lies and whatever its name."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.conftest import Cli
from tests.features.conftest import copied
from tests.features.corpus import cases
from tests.server.conftest import Serve, serve

__all__ = ["serve"]

Move = Callable[[Path], Path]

PLACES: dict[str, Move] = {
    "another name": lambda folder: (folder / "tesseract_api.py").rename(folder / "beam-model.py"),
    "blanks and umlauts": lambda folder: folder.rename(folder.parent / "Träger 1 [neu]") / API,
    "behind a link": lambda folder: linked(folder) / API,
    "read-only folder": lambda folder: read_only(folder) / API,
}

API = "tesseract_api.py"


def linked(folder: Path) -> Path:
    """Return a link to a folder."""
    link = folder.parent / "link"
    link.symlink_to(folder, target_is_directory=True)
    return link


def read_only(folder: Path) -> Path:
    """Forbid to write in a folder; the superuser may, and then leaves no byte code there."""
    folder.chmod(0o555)
    return folder


@pytest.mark.parametrize("place", PLACES)
def test_place(place: str, tmp_path: Path, cli: Cli) -> None:
    """Modules, packages, data and child processes work from each place."""
    path = PLACES[place](copied("neighbours", tmp_path))
    (case,) = [case for case in cases("neighbours") if case.endpoint == "apply"]
    done = cli("--api-path", str(path), "apply", json.dumps(case.payload))
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)
    assert (answer["child"], answer["lazily"]) == (case.answer["child"], case.answer["lazily"])


STATEFUL = """
import time
from pydantic import BaseModel

time.sleep(0.5)  # a mesh is made, a network is read
STATE = {"calls": 0}

class InputSchema(BaseModel):
    pass

class OutputSchema(BaseModel):
    calls: int

def apply(inputs):
    STATE["calls"] += 1
    return OutputSchema(**STATE)
"""


def test_state_of_the_module_is_kept_between_calls(serve: Serve) -> None:
    """A module is loaded once, however long that takes, and keeps what `apply` fills in."""
    served = serve(STATEFUL)
    assert [served.apply({}).json()["calls"] for _ in range(2)] == [1, 2]
