"""The folder of a Tesseract that processes of an executor get."""

from __future__ import annotations

import io
import tarfile
from collections.abc import Callable
from pathlib import Path

import pytest

from runtime_core import Runtime
from runtime_core.contracts import Evaluations
from runtime_core.errors import ExecutorFailed
from runtime_core.executors.loaded_models import LOADED_MODELS
from runtime_core.executors.shipped_folder import packed_folder
from tests.conftest import DOUBLE
from tests.executors.conftest import Here, Make, near


def test_links_runs_and_environments_stay_here(tmp_path: Path) -> None:
    """Only files of the author's are packed, in an order of their own and without times."""
    kept = ["data/mesh.csv", "sibling.py", "tesseract_api.py"]
    left_out = [".git/config", ".venv/bin/python", "run_1/logs/tesseract.log", "__pycache__/a.pyc"]
    for name in (*reversed(kept), *left_out):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(name)
    (tmp_path / "secret").symlink_to("/etc/passwd")
    (tmp_path / "everything").symlink_to("/", target_is_directory=True)
    first = packed_folder(tmp_path)
    with tarfile.open(fileobj=io.BytesIO(first)) as archive:
        assert sorted(archive.getnames()) == kept
    (tmp_path / "sibling.py").touch()
    assert packed_folder(tmp_path) == first


def test_a_large_folder_is_refused(tmp_path: Path) -> None:
    """The message has the folder, the limit and the next step."""
    for name in "ab":
        (tmp_path / name).write_bytes(bytes(60))
    assert packed_folder(tmp_path, largest=120)
    text = rf"^--executor-ship: '{tmp_path}' has more than 100 bytes\. Move its data elsewhere, or "
    with pytest.raises(ExecutorFailed, match=text):
        packed_folder(tmp_path, largest=100)


WHERE = f"""{DOUBLE}
def apply(inputs):
    raise ValueError(__file__)
"""


def test_a_folder_is_sent_once_to_each_process(made: Make) -> None:
    """A process that does not know it any more asks for it, and leaves nothing behind."""
    here = Here()
    runtime = made(here, WHERE, executor_ship=True)
    places = []
    with near(runtime, 1.0) as evaluations:
        for _ in range(3):
            places.append(place_of(evaluations))
        LOADED_MODELS.close()
        assert not places[0].exists()
        evaluations.submit({}, ["y"]).exception()
    assert places[0] == places[2] != runtime.api.path
    assert [folder is not None for *_, folder in here.sent] == [True, True, False, False, True]


def test_modules_beside_the_file_are_shipped(runtime: Callable[..., Runtime]) -> None:
    """They are imported from the folder of the process."""
    source = WHERE.replace(
        "raise ValueError(__file__)", "import sibling; raise ValueError(sibling.A)"
    )
    made = runtime(source, executor="processes:1", executor_ship=True)
    made.api.path.with_name("sibling.py").write_text("A = __file__")
    with made.set_up(), near(made, 1.0) as evaluations:
        place = place_of(evaluations)
    assert place.name == "sibling.py"
    assert place.parent != made.api.path.parent


def place_of(evaluations: Evaluations) -> Path:
    """Return the file that an evaluation names in its error."""
    error = evaluations.submit({}, ["y"]).exception()
    return Path(str(error and error.__cause__))
