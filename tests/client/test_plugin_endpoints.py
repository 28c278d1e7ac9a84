"""Endpoints and backends of a third party's plugin, through every client and plain HTTP."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import numpy as np
import pytest

from runtime_core import load_catalog
from runtime_core.calls import Scope, Workspace, enter_scope
from runtime_core.config import resolve
from runtime_core.files import FileAccess
from runtime_core.plugins import PluginSelection
from tesseract_runtime_client import Tesseract, TesseractFailed, ValidationError
from tests.client.conftest import serving, written
from tests.patience import SECONDS

SOURCE = """
import numpy as np
from pydantic import BaseModel
from runtime_core import Array, Differentiable, Float64

class InputSchema(BaseModel):
    x: Differentiable[Array[(None,), Float64]]
    scale: Differentiable[Float64] = 1.0
    name: str = ""

class OutputSchema(BaseModel):
    y: Differentiable[Array[(None,), Float64]]

def apply(inputs):
    return OutputSchema(y=inputs.scale * np.sin(inputs.x))

def vector_jacobian_product(inputs, vjp_inputs, vjp_outputs, cotangent_vector):
    return {"x": inputs.scale * np.cos(inputs.x) * cotangent_vector["y"]}
"""

OPTIONS = {"gradient_backend": "jacobian_vector_product=complex-step"}
TRACE = {"traceparent": f"00-{'1' * 32}-{'2' * 16}-01"}
X = np.array([0.5, 1.0])


@pytest.fixture(scope="module")
def clients(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Mapping[str, Tesseract]]:
    """Open a Tesseract by every kind of client, with the plugin installed for all of them."""
    site = installed(tmp_path_factory.mktemp("site"))
    path = written(tmp_path_factory.mktemp("wave"), SOURCE)
    with pytest.MonkeyPatch.context() as patch, ExitStack() as opened:
        patch.setenv("PYTHONPATH", str(site))
        patch.syspath_prepend(site)
        catalog = load_catalog(PluginSelection())
        workspace = Workspace(
            catalog=catalog,
            config=resolve(catalog, flags={}, environment={}),
            files=FileAccess(root=None, confined=False),
        )
        opened.enter_context(enter_scope(Scope(workspace=workspace)))
        backend = f"--gradient-backend={OPTIONS['gradient_backend']}"
        url = opened.enter_context(serving(path, backend, limits=["--timeout", f"{SECONDS}"]))
        yield {
            "here": opened.enter_context(Tesseract.from_api(path, options=OPTIONS, metadata=TRACE)),
            "worker": opened.enter_context(
                Tesseract.from_worker(path, options=OPTIONS, metadata=TRACE)
            ),
            "server": opened.enter_context(Tesseract.from_url(url, metadata=TRACE)),
        }
    sys.modules.pop("line_plugin", None)


def installed(site: Path) -> Path:
    """Install the plugin into a folder of modules."""
    shutil.copy(Path(__file__).with_name("line_plugin.py"), site)
    metadata = site / "acme_line-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-line\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[tesseract_runtime]\nline = line_plugin\n")
    return site


every_client = pytest.mark.parametrize("kind", ["here", "worker", "server"])
Clients = Mapping[str, Tesseract]


@every_client
def test_an_endpoint_of_a_plugin_is_a_method(kind: str, clients: Clients) -> None:
    """Inputs, their fields and those of the payload are keywords, and paths may be one or a set."""
    line = clients[kind].line
    asked: dict[str, Any] = {"direction": {"x": np.ones(2)}, "steps": [0.0, 1.0]}
    found = line({"x": X}, scale=2.0, along="x", outputs={"y"}, run_id="fit-7", **asked)
    np.testing.assert_array_equal(found["values"][0]["y"], 2 * np.sin(X))
    np.testing.assert_array_equal(found["values"][1]["y"], 2 * np.sin(X + 1))
    assert found["run_id"] == "fit-7"
    assert found["trace"] == TRACE["traceparent"]
    assert found["has_deadline"] == (kind == "server")
    payload = {"inputs": {"x": X, "scale": 2.0}, "along": ["x"], "outputs": ["y"], **asked}
    same = clients[kind].call("line", payload, run_id="fit-7")
    np.testing.assert_equal(same, found)


@every_client
def test_complex_steps_are_traced_through_apply(kind: str, clients: Clients) -> None:
    """Complex arrays pass through the schemas of real ones: the derivative has no error."""
    found = clients[kind].jacobian_vector_product(
        {"x": X, "scale": 3.0}, ["x", "scale"], ["y"], {"x": [1.0, 0.0], "scale": 1.0}
    )
    expected = 3 * np.cos(X) * [1.0, 0.0] + np.sin(X)
    np.testing.assert_allclose(found["y"], expected, rtol=4e-16)


MISTAKES: Mapping[str, tuple[Callable[[Tesseract], Any], list[Any]]] = {
    "path": (
        lambda t: t.line(x=X, along=["z"], outputs=["y"], direction={"z": X}, steps=[1]),
        ["body", "along", 0],
    ),
    "vector": (
        lambda t: t.line(x=X, along=["x"], outputs=["y"], direction={"x": [1, 2, 3]}, steps=[1]),
        ["body", "direction", "x"],
    ),
    "composed inputs": (
        lambda t: t.pullbacks(points=[{"x": X}, {"x": [X]}], weights={"y": X}, of=["x"]),
        ["body", "points", 1, "x"],
    ),
    "composed vector of another size": (
        lambda t: t.pullbacks(points=[{"x": X}], weights={"y": [1, 2, 3]}, of=["x"]),
        ["body", "weights", "y"],
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
@every_client
def test_a_mistake_of_the_caller_has_its_place(kind: str, mistake: str, clients: Clients) -> None:
    """A fault in an endpoint, or in one that it calls, is at its place in the caller's payload."""
    call, place = MISTAKES[mistake]
    with pytest.raises(ValidationError) as refused:
        call(clients[kind])
    assert [list(fault["loc"]) for fault in refused.value.errors()] == [place]


def test_a_payload_that_the_plugin_has_made_is_its_own_fault(clients: Clients) -> None:
    """A fault that no place of the caller has is a failure of the plugin, which is named."""
    with pytest.raises(TesseractFailed, match="'z' is not the path of a diff") as failed:
        clients["here"].pullbacks(points=[{"x": X}], weights={"z": X}, of=["x"])
    assert failed.value.status == 500
    assert "Plugin line (acme-line 1.0) failed in answer of endpoints 'pullbacks'" in str(
        failed.value
    )


def test_plain_http_reports_the_same_place(clients: Clients) -> None:
    """A program without the client gets a 422 with the place."""
    url = f"{clients['server'].reference['ref']}/pullbacks"
    body = {"points": [{"x": [1.0]}, {"y": 1}], "weights": {"y": [1.0]}, "of": ["x"]}
    headers = {"Content-Type": "application/json"}
    with pytest.raises(HTTPError) as refused:
        urlopen(Request(url, json.dumps(body).encode(), headers), timeout=SECONDS)
    assert refused.value.code == 422
    places = [fault["loc"] for fault in json.load(refused.value)["detail"]]
    assert places == [["body", "points", 1, "x"], ["body", "points", 1, "y"]]


def test_other_names_are_no_attributes(clients: Clients) -> None:
    """The message suggests near names; names of protocols are not asked for."""
    here = clients["here"]
    with pytest.raises(AttributeError, match=r"no endpoint 'lines'\. Did you mean 'line'\?"):
        _ = here.lines
    assert not hasattr(here, "_repr_json_")
    assert "line" in dir(here)
    assert here.call("health") == {"status": "ok"}
    unreachable = Tesseract.from_url("http://127.0.0.1:1")
    with pytest.raises(AttributeError, match="No server answers"):
        _ = unreachable.line
    assert "line" not in dir(unreachable)
