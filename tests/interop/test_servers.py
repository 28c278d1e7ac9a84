"""Requests that clients make of any server get the same from the original's and from this one."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.interop.conftest import serving, serving_original
from tests.patience import SECONDS

LOGS = """
from pydantic import BaseModel
from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.experimental import log_metric, log_parameter

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    count: int = 1

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    log_parameter("count", inputs.count)
    log_metric("total", inputs.x.sum())
    return OutputSchema(y=2 * inputs.x)

def jacobian(inputs, jac_inputs, jac_outputs):
    raise NotImplementedError
"""

VECTOR = {"shape": [2], "dtype": "float64"}


class Service:
    """A server: its address, and the folder in which its runs write."""

    def __init__(self, url: str, output: Path) -> None:
        self.url = url
        self.output = output

    def post(self, path: str, body: Any, **headers: str) -> requests.Response:
        """Post a text, or a tree as JSON."""
        text = body if isinstance(body, str) else json.dumps(body)
        headers = {"Content-Type": "application/json", **headers}
        return requests.post(f"{self.url}/{path}", text, headers=headers, timeout=SECONDS)

    def apply(self, inputs: Any, **headers: str) -> requests.Response:
        """Apply the Tesseract."""
        return self.post("apply", {"inputs": inputs}, **headers)


@pytest.fixture(scope="module", params=["ours", "original"])
def service(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Service]:
    """Return a server of a Tesseract that logs."""
    folder = tmp_path_factory.mktemp("logs")
    output = folder / "output"
    output.mkdir()
    (folder / "tesseract_api.py").write_text(LOGS, encoding="utf-8")
    with ExitStack() as stack:
        if request.param == "ours":
            url = stack.enter_context(serving(folder, "--output-path", str(output)))
        else:
            url = stack.enter_context(serving_original(folder, output_path=output))
        yield Service(url, output)


def test_run_id_that_is_used_again_is_that_of_the_last_run(service: Service) -> None:
    """What is logged under an id is found there after the call, also when it is used twice."""
    for count in (1, 2):
        answer = service.post("apply?run_id=fit-7", {"inputs": {"x": [1, 2], "count": count}})
        assert answer.status_code == 200
    (parameters,) = service.output.glob("run_fit-7/**/parameters.json")
    assert json.loads(parameters.read_text())["count"] == 2


@pytest.mark.parametrize(
    ("encoding", "buffer"), [("json", [1.0, 2.0]), ("base64", "AAAAAAAA8D8AAAAAAAAAQA==")]
)
def test_compression_may_be_null(service: Service, encoding: str, buffer: Any) -> None:
    """A document of an array may say that it is not compressed."""
    data = {"buffer": buffer, "encoding": encoding, "compression": None}
    answer = service.apply({"x": {"object_type": "array", **VECTOR, "data": data}})
    assert answer.json()["y"]["data"]["buffer"] == [2.0, 4.0]


def test_integers_as_javascript_writes_them(service: Service) -> None:
    """A float without a fraction is taken for an integer."""
    assert service.apply({"x": [1, 2], "count": 2.0}).status_code == 200


def test_broken_json_has_its_position(service: Service) -> None:
    """A body that is not JSON is refused with its place."""
    answer = service.post("apply", '{"inputs": {"x": [1, 2}}')
    (fault,) = answer.json()["detail"]
    assert (answer.status_code, fault["type"]) == (422, "json_invalid")
    assert (fault["loc"][0], isinstance(fault["loc"][1], int)) == ("body", True)


def test_wrong_item_of_jac_inputs_has_its_index(service: Service) -> None:
    """The place of a wrong path is that in the list."""
    wrong = {"inputs": {"x": [1, 2]}, "jac_inputs": ["x", "z"], "jac_outputs": ["y"]}
    answer = service.post("jacobian", wrong)
    assert answer.status_code == 422
    assert ["body", "jac_inputs", 1] in [fault["loc"] for fault in answer.json()["detail"]]


def test_refusal_names_no_private_class(service: Service) -> None:
    """What is refused is shown as it came."""
    answer = service.apply({"x": "text", "count": []})
    assert answer.status_code == 422
    assert " object at 0x" not in answer.text
    assert "._" not in answer.text


@pytest.mark.parametrize(
    "accept", ["*/*", "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"]
)
def test_browsers_get_json(service: Service, accept: str) -> None:
    """What a browser accepts includes JSON."""
    answer = service.apply({"x": [1, 2]}, Accept=accept)
    assert answer.headers["Content-Type"] == "application/json"
    assert answer.json()["y"]["data"]["buffer"] == [2.0, 4.0]
