"""`run_directory`: the folder of the call that user code runs in."""

from __future__ import annotations

import errno
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from runtime_core import Runtime
from runtime_core.run_logs import run_directory
from tests.run_logs.conftest import Logging, call_of, invoked

WRITES = """
import threading
from pydantic import BaseModel
from runtime_core import Differentiable, Float64
from runtime_core.run_logs import run_directory

class InputSchema(BaseModel):
    x: Differentiable[Float64] = 1.0

class OutputSchema(BaseModel):
    y: Differentiable[Float64]
    folder: str = ""

def write(x):
    mesh = run_directory() / "mesh"
    mesh.mkdir()
    (mesh / "out.txt").write_text(str(2 * x))

def apply(inputs):
    WRITE
    folder = run_directory()
    y = float((folder / "mesh" / "out.txt").read_text())
    return OutputSchema(y=y, folder=str(folder))
"""
"""A Tesseract that writes a file into a new folder; `WRITE` is how its test does that."""

HERE = WRITES.replace("WRITE", "write(inputs.x)")
IN_THREAD = WRITES.replace(
    "WRITE", "t = threading.Thread(target=write, args=[inputs.x]); t.start(); t.join()"
)
SOURCES = pytest.mark.parametrize("source", [HERE, IN_THREAD], ids=["here", "in_thread"])


def test_outside_of_a_run_is_an_error() -> None:
    """Without a running call it raises an error, as the log functions do."""
    with pytest.raises(RuntimeError, match=r"^run_directory was called outside of a run: it works"):
        run_directory()


@SOURCES
def test_folder_is_that_of_the_run(logging_runtime: Logging, source: str, tmp_path: Path) -> None:
    """It is `run_<ID>` in the output path, also for threads without a context."""
    reply = invoked(*logging_runtime(source), call_of(run_id="fit-7"))
    assert reply.fault is None
    assert (tmp_path / "run_fit-7" / "mesh" / "out.txt").read_text() == "2.0"


def test_folder_is_made_when_asked_for(logging_runtime: Logging, tmp_path: Path) -> None:
    """A call that does not ask for it leaves none."""
    assert invoked(*logging_runtime(), call_of(inputs={"x": [1.0]})).fault is None
    assert [*tmp_path.glob("run_*")] == []


def test_calls_in_python_have_folders_too(runtime: Callable[..., Runtime], tmp_path: Path) -> None:
    """Each `Runtime.call` has its own folder, whose files are kept."""
    made = runtime(HERE, output_path=str(tmp_path / "out"))
    results = [made.call("apply", {"inputs": {}}).model_dump() for _ in range(3)]
    folders = {Path(result["folder"]) for result in results}
    assert {*(tmp_path / "out").iterdir()} == folders
    assert len(folders) == 3


@SOURCES
def test_evaluations_have_folders_of_their_own(
    logging_runtime: Logging, source: str, tmp_path: Path
) -> None:
    """Each evaluation of a gradient begins in an empty folder, which is removed at its end."""
    call = call_of("jacobian", inputs={"x": 3.0}, jac_inputs=["x"], jac_outputs=["y"])
    backend = {"jacobian": "finite-differences"}
    reply = invoked(*logging_runtime(source, gradient_backend=backend), call)
    assert reply.fault is None
    assert b'"buffer":2.0' in b"".join(reply.body)
    assert [*(tmp_path / "run_fit-7").iterdir()] == []


def test_own_gradient_has_the_folder_of_its_call(logging_runtime: Logging, tmp_path: Path) -> None:
    """A `jacobian` of the file writes to the folder of its call."""
    source = HERE + "\ndef jacobian(inputs, jac_inputs, jac_outputs):\n"
    source += "    write(inputs.x)\n    return {'y': {'x': 2.0}}\n"
    call = call_of("jacobian", inputs={"x": 1.0}, jac_inputs=["x"], jac_outputs=["y"])
    assert invoked(*logging_runtime(source), call).fault is None
    assert (tmp_path / "run_fit-7" / "mesh").is_dir()


def test_same_id_again_begins_with_an_empty_folder(
    logging_runtime: Logging, tmp_path: Path
) -> None:
    """A run replaces an ended one of its id, with its files."""
    for _ in range(2):
        assert invoked(*logging_runtime(HERE), call_of()).fault is None
    assert [path.name for path in tmp_path.glob("*run*")] == ["run_fit-7"]


def test_new_run_spends_no_time_on_earlier_ones(logging_runtime: Logging, tmp_path: Path) -> None:
    """A call whose id was made for it does not look for the folder of an earlier run."""
    (tmp_path / "run_fit-7").mkdir()
    (tmp_path / "run_fit-7" / "mesh").touch()
    logging_runtime(HERE)[0].invoke(replace(call_of(), new_run=True))
    assert (tmp_path / "run_fit-7" / "mesh").exists()


def test_id_of_the_parent_run_is_refused(logging_runtime: Logging, tmp_path: Path) -> None:
    """A call inside a run cannot replace that run."""
    (tmp_path / "run_fit-7").mkdir()
    call = replace(call_of(), parent_run_id="fit-7")
    reply = logging_runtime(HERE)[0].invoke(call)
    assert reply.fault is not None
    assert (reply.fault.kind.status, reply.fault.message[:29]) == (
        409,
        "Run 'fit-7' has not ended: wa",
    )
    assert [*(tmp_path / "run_fit-7").iterdir()] == []


def test_earlier_run_that_cannot_be_moved_is_told(
    logging_runtime: Logging, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A run never begins in the folder of another one."""
    (tmp_path / "run_fit-7").mkdir()
    monkeypatch.setattr(Path, "rename", refuse)
    reply = logging_runtime(HERE)[0].invoke(call_of())
    assert reply.fault is not None
    assert reply.fault.message == (
        "The folder of the earlier run 'fit-7' cannot be replaced: Permission denied."
    )


def refuse(*_: object) -> None:
    """Refuse to rename, as the owner of a folder may; the tests may run as root."""
    raise PermissionError(errno.EACCES, os.strerror(errno.EACCES))
