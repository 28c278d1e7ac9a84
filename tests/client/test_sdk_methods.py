"""The methods of tesseract-core's client, for programs that were written for it."""

from __future__ import annotations

import inspect
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pydantic
import pytest

from runtime_core.errors import InvalidOption, InvalidPayload, UnknownName, UnreadableDocument
from tesseract_core import Tesseract
from tesseract_runtime_client import NotSupported, TesseractFailed, ValidationError
from tests.client.conftest import SOURCE, Open, serving, written

PRINTS = """
import os
import subprocess
import sys
from pydantic import BaseModel
from tesseract_core.runtime.config import get_config

class InputSchema(BaseModel):
    fail: bool = False

class OutputSchema(BaseModel):
    name: str
    output_format: str

def apply(inputs):
    print("one")
    print("two", file=sys.stderr)
    os.write(1, b"three\\n")
    subprocess.run(["echo", "four"], check=True)
    if inputs.fail:
        raise ArithmeticError("this cannot be computed")
    return OutputSchema(name=get_config().name, output_format=get_config().output_format)
"""


def test_file_is_opened_as_by_the_other_client(tmp_path: Path) -> None:
    """Paths and options are taken by position and by name, and a function gets printed lines."""
    path = written(tmp_path / "tesseract", PRINTS)
    lines: list[str] = []
    with Tesseract.from_tesseract_api(
        path,
        tmp_path,
        output_path=tmp_path,
        output_format="json",
        gpu_transport="none",
        runtime_config={"name": "Printer"},
        stream_logs=lines.append,
    ) as tesseract:
        assert tesseract.apply({}, "fit-7") == {"name": "Printer", "output_format": "json"}
        assert lines == ["one", "two", "three", "four"]
        with pytest.raises(RuntimeError, match=r"ArithmeticError: .* \(run fit-8\)"):
            tesseract.apply({"fail": True}, "fit-8")
        assert len(lines) == 8


def test_endpoint_that_is_absent_is_not_implemented(tmp_path: Path) -> None:
    """The exception is that of a missing method, as programs for the other client expect it."""
    tesseract = Tesseract.from_api(written(tmp_path / "tesseract", PRINTS))
    with tesseract, pytest.raises(NotImplementedError, match="'jacobian' is not a") as raised:
        tesseract.jacobian({}, ["x"], ["y"])
    assert isinstance(raised.value, TesseractFailed)
    assert type(pickle.loads(pickle.dumps(raised.value))) is type(raised.value)


def test_paths_may_be_among_the_options(tmp_path: Path) -> None:
    """Paths are taken from the options, and never from both places."""
    path = written(tmp_path / "tesseract", SOURCE)
    config = {"output_path": str(tmp_path / "out")}
    with Tesseract.from_tesseract_api(path, runtime_config=config) as tesseract:
        tesseract.apply({"x": [1.0]})
    assert (tmp_path / "out").is_dir()
    with pytest.raises(InvalidOption, match="'output_path' is an argument of its own"):
        Tesseract.from_tesseract_api(path, output_path=tmp_path, runtime_config=config)


def test_key_by_position_is_refused_without_showing_it() -> None:
    """A program that gives the key in the place of the timeout learns its name."""
    key: Any = "sesame"
    with pytest.raises(InvalidOption, match=r"from_url\(url, api_key=\.\.\.\)") as raised:
        Tesseract.from_url("http://127.0.0.1:8000", None, key)
    assert key not in str(raised.value)


def test_printed_lines_may_be_printed(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Without a function lines go to the streams of the process; `print` may be the function."""
    path = written(tmp_path / "tesseract", PRINTS)
    with Tesseract.from_tesseract_api(path, output_path=tmp_path, stream_logs=True) as tesseract:
        tesseract.apply({})
    assert capfd.readouterr().out == "one\nthree\nfour\n"
    with Tesseract.from_tesseract_api(path, output_path=tmp_path, stream_logs=print) as tesseract:
        tesseract.apply({})
    assert capfd.readouterr().out == "one\ntwo\nthree\nfour\n"


@pytest.mark.parametrize(
    ("open_one", "error", "message"),
    [
        (lambda: Tesseract.from_image("beam", volumes=[]), NotSupported, r"from_worker\(path\)"),
        (
            lambda: Tesseract.from_source(Path("a.py"), output_path=None),
            NotSupported,
            r"Tesseract\.from_worker\('a\.py'\) runs the file in a process of its own",
        ),
        (
            lambda: Tesseract.from_tesseract_api("a.py", gpu_transport="cuda_ipc"),
            NotSupported,
            "gpu_transport='cuda_ipc': arrays are passed on the host",
        ),
        (
            lambda: Tesseract.from_tesseract_api("a.py", output_format="jsn"),
            UnknownName,
            "Unknown format 'jsn'. Did you mean 'json'",
        ),
    ],
)
def test_what_is_not_here_names_what_is(
    open_one: Callable[[], object], error: type[Exception], message: str
) -> None:
    """Containers and environments are refused, with the method to use instead."""
    with pytest.raises(error, match=message):
        open_one()
    assert issubclass(NotSupported, RuntimeError)


def test_url_is_followed_by_the_output_path_of_the_server() -> None:
    """The second argument is that of the other client; keys are given by name alone."""
    parameters = inspect.signature(Tesseract.from_url).parameters
    assert [*parameters][:3] == ["url", "server_output_path", "timeout"]
    assert parameters["api_key"].kind is inspect.Parameter.KEYWORD_ONLY
    tesseract = Tesseract.from_url("http://127.0.0.1:8000", "/shared", (1.0, 60.0))
    assert repr(tesseract) == "<Tesseract at http://127.0.0.1:8000>"


def test_arrays_of_a_server_are_read_from_its_output_path(source: Path, tmp_path: Path) -> None:
    """With the output path of the server, answers may have their arrays in files there alone."""
    shared, elsewhere = tmp_path / "shared", tmp_path / "elsewhere"
    for folder in (shared, elsewhere):
        folder.mkdir()
    with pytest.raises(InvalidOption, match="would leave results in files"):
        Tesseract.from_url("http://127.0.0.1:8000", encoding="json+binref")
    with (
        serving(source, "--output-path", str(shared)) as url,
        Tesseract.from_url(url, shared, encoding="json+binref") as here,
        Tesseract.from_url(url, elsewhere, encoding="json+binref") as there,
    ):
        assert here.apply({"x": [1.0, 2.0]}, "fit-7")["y"].tolist() == [1, 2]
        assert [*shared.glob("run_fit-7/*.bin")]
        with pytest.raises(UnreadableDocument, match="An array of the answer cannot be read"):
            there.apply({"x": [1.0, 2.0]})


def test_process_of_a_worker_is_served_and_torn_down(kinds: dict[str, Open]) -> None:
    """A worker computes from the beginning until `teardown`."""
    tesseract = kinds["worker"]()
    tesseract.serve()
    assert tesseract.health() == {"status": "ok"}
    tesseract.teardown()
    with pytest.raises(ConnectionError, match="has been closed"):
        tesseract.health()


@pytest.mark.parametrize("kind", ["url", "api"])
@pytest.mark.parametrize("method", ["serve", "teardown"])
def test_only_a_worker_has_a_process(kind: str, method: str, kinds: dict[str, Open]) -> None:
    """Others refuse, and stay open."""
    with kinds[kind]() as tesseract:
        with pytest.raises(NotSupported, match=rf"{method}\(\) is for .*from_worker\(path\)"):
            getattr(tesseract, method)()
        assert tesseract.health() == {"status": "ok"}


def test_logs_of_runs_are_in_their_folders(client: Tesseract) -> None:
    """A log of the server cannot be returned, and the message names those of the runs."""
    with pytest.raises(NotSupported, match=r"run_<ID>/logs/tesseract\.log of its output path"):
        client.server_logs()


def case_of(y: Any, **fields: Any) -> dict[str, Any]:
    """Return a case for the Jacobian of the Tesseract of these tests."""
    payload = {"inputs": {"x": np.ones(2), "scale": 3.0}, "jac_inputs": ["x"], "jac_outputs": ["y"]}
    return {"endpoint": "jacobian", "payload": payload, "expected_outputs": {"y": y}, **fields}


def test_cases_pass_and_fail(client: Tesseract) -> None:
    """A case with arrays passes, or raises an `AssertionError` with the differences."""
    client.test(case_of({"x": 3 * np.eye(2)}))
    with pytest.raises(AssertionError, match=r"1 of 4 elements differ"):
        client.test(case_of({"x": np.array([[3.0, 0.0], [0.5, 3.0]])}))


def test_cases_expect_exceptions(client: Tesseract) -> None:
    """An exception is expected by its class or name; another one cannot be compared."""
    case: dict[str, Any] = {
        "endpoint": "apply",
        "payload": {"inputs": {"x": [1], "action": "fail"}},
    }
    client.test({**case, "expected_exception": ArithmeticError})
    client.test({**case, "expected_exception": "ArithmeticError"})
    client.test(
        {"endpoint": "apply", "payload": {}, "expected_exception": pydantic.ValidationError}
    )
    with pytest.raises(TesseractFailed, match="ArithmeticError: this cannot be computed"):
        client.test({**case, "expected_outputs": {}})


def test_refused_payload_is_caught_by_old_and_new_programs(client: Tesseract) -> None:
    """One exception is that of the runtime and of pydantic, and survives a copy."""
    with pytest.raises(pydantic.ValidationError) as caught:
        client.apply({"x": "no"}, "fit-7")
    error = caught.value
    assert isinstance(error, ValidationError)
    assert isinstance(error, InvalidPayload)
    [fault] = error.errors(include_url=False)
    assert (fault["loc"], fault["type"]) == (("body", "inputs", "x"), "array_non_numeric")
    copied = pickle.loads(pickle.dumps(error))
    assert (copied.run_id, copied.errors(), str(copied)) == ("fit-7", error.errors(), str(error))


def test_run_is_named_by_position(client: Tesseract) -> None:
    """The run id is the last argument of all calls."""
    inputs = {"x": [1.0], "action": "fail"}
    calls: list[Callable[[str], object]] = [
        lambda run: client.apply(inputs, run),
        lambda run: client.jacobian({"x": []}, ["x"], ["z"], run),
        lambda run: client.jacobian_vector_product({"x": []}, ["x"], ["z"], {}, run),
        lambda run: client.vector_jacobian_product({"x": []}, ["x"], ["z"], {}, run),
    ]
    for number, call in enumerate(calls):
        with pytest.raises((TesseractFailed, ValidationError)) as caught:
            call(f"fit-{number}-{os.getpid()}")
        error: Any = caught.value
        assert error.run_id == f"fit-{number}-{os.getpid()}"
