"""Three served Tesseracts that call each other by reference, over real sockets."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tesseract_runtime_client import Tesseract, TesseractFailed, ValidationError
from tests.composition.conftest import Link, chain, through, written

Numbers = NDArray[np.float64]

GENERATOR = np.random.default_rng(4)
SIZES = (4, 5, 3, 2)  # of the input, and of what each link gives
WEIGHTS = [GENERATOR.normal(size=size) for size in zip(SIZES[1:], SIZES[:-1], strict=True)]
X = GENERATOR.normal(size=SIZES[0])


def assert_same(found: Numbers, expected: Numbers) -> None:
    """Compare results that travelled without loss to those of numpy, in the same order."""
    np.testing.assert_allclose(found, expected, rtol=1e-13, atol=1e-15)


def composed(x: Numbers) -> tuple[Numbers, Numbers]:
    """Return the output of the chain, and the product of the Jacobians of its links."""
    product = np.eye(x.size)
    for weights in WEIGHTS:
        x = np.tanh(weights @ x)
        product = (1 - x**2)[:, np.newaxis] * weights @ product
    return x, product


@pytest.fixture(scope="module")
def links(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[Link]]:
    """Return the links, first to last."""
    with chain(tmp_path_factory.mktemp("chain"), WEIGHTS) as served:
        yield served


@pytest.fixture(scope="module")
def first(links: list[Link]) -> Iterator[Tesseract]:
    """Return a client of the first link."""
    with Tesseract.from_url(links[0].reference["ref"]) as client:
        yield client


def test_output_is_that_of_the_composition(links: list[Link], first: Tesseract) -> None:
    """Each link applies its layer to the output of the previous one."""
    assert_same(first.apply(through(links, X))["y"], composed(X)[0])


@pytest.mark.parametrize("count", [2, 3])
def test_jacobian_is_the_product(links: list[Link], first: Tesseract, count: int) -> None:
    """The Jacobian of a chain is the product of those of its links, in their order."""
    blocks = first.jacobian(through(links[:count], X), ["x"], ["y"])
    product, x = np.eye(X.size), X
    for weights in WEIGHTS[:count]:
        x = np.tanh(weights @ x)
        product = (1 - x**2)[:, np.newaxis] * weights @ product
    assert_same(blocks["y"]["x"], product)


def test_products_are_those_of_the_product(links: list[Link], first: Tesseract) -> None:
    """Tangents go through the chain forwards, and cotangents backwards."""
    inputs, (y, product) = through(links, X), composed(X)
    tangent, cotangent = GENERATOR.normal(size=X.size), GENERATOR.normal(size=y.size)
    along = first.jacobian_vector_product(inputs, ["x"], ["y"], {"x": tangent})
    back = first.vector_jacobian_product(inputs, ["x"], ["y"], {"y": cotangent})
    assert_same(along["y"], product @ tangent)
    assert_same(back["x"], cotangent @ product)


@pytest.mark.parametrize(
    ("endpoint", "asked"),
    [
        ("apply", {}),
        ("jacobian", {"jac_inputs": ["x"], "jac_outputs": ["y"]}),
        (
            "vector_jacobian_product",
            {"vjp_inputs": ["x"], "vjp_outputs": ["y"], "cotangent_vector": {"y": [1, 1]}},
        ),
    ],
)
def test_runs_are_parts_of_runs(links: list[Link], endpoint: str, asked: dict[str, Any]) -> None:
    """The log of each run names its parent, a run of the previous link."""
    parent = f"outer-{endpoint}"
    answer = links[0].ask(endpoint, {"inputs": through(links, X.tolist()), **asked}, parent)
    assert (answer.status, answer.headers["tesseract-run-id"]) == (200, parent)
    assert links[0].runs()[parent]["parent_id"] is None
    for link in links[1:]:
        [facts] = [
            facts  # the shapes of its outputs may be those of an `apply`
            for facts in link.runs().values()
            if (facts["parent_id"], facts["endpoint"]) == (parent, endpoint)
        ]
        assert facts["status"] == "FINISHED"
        parent = facts["id"]


def test_reference_that_is_not_admitted_is_refused(links: list[Link]) -> None:
    """A URL that the operator did not allow is a fault of the payload, with its place."""
    last = links[2].reference
    payload = {"inputs": {"x": X.tolist(), "following": last}}
    answer = links[0].ask("apply", payload, "refused")
    [fault] = answer.json()["detail"]
    assert (answer.status, fault["type"]) == (422, "file_refused")
    assert fault["loc"][:3] == ["body", "inputs", "following"]
    assert fault["msg"] == (
        f"'{last['ref']}/' is not opened: URLs are not read for a remote caller unless "
        "--allow-url-prefix admits them."
    )
    assert "refused" not in links[0].runs()


def test_reference_that_a_link_does_not_admit_fails_the_call(
    links: list[Link], first: Tesseract
) -> None:
    """A payload that the second link refuses is a failure of the first, which made it."""
    inputs = through([*links[:2], links[0]], X)  # the second one admits the third alone
    with pytest.raises(TesseractFailed, match=r"ValidationError: body\.inputs\.following.*: '"):
        first.apply(inputs)


@pytest.mark.parametrize("depth", [1, 2])
def test_failure_travels_to_the_caller(depth: int, tmp_path: Path) -> None:
    """However deep a Tesseract fails, its message and its run are in the answer of the first."""
    weights = [np.eye(2), np.eye(2), np.eye(2)]
    weights[depth] = np.zeros((2, 2))  # which this link refuses to compute with
    with chain(tmp_path, weights) as links:
        answer = links[0].ask("apply", {"inputs": through(links, [0.5, 0.5])}, "outer-fails")
        body = answer.json()
        [failed] = links[depth].runs()
    assert (answer.status, body["run_id"]) == (500, "outer-fails")
    assert body["detail"].startswith("TesseractFailed: ")
    assert body["detail"].count("TesseractFailed: ") == depth
    failure = r"ArithmeticError: these inputs cannot be computed \(tesseract_api.py:\d+ in apply\)"
    assert re.search(rf"{failure} \(run {failed}\)", body["detail"])


def test_link_that_is_gone_is_told(tmp_path: Path) -> None:
    """A Tesseract that has ended is named by its URL."""
    with chain(tmp_path, WEIGHTS[:2]) as links:
        links[1].served.end()
        answer = links[0].ask("apply", {"inputs": through(links, X.tolist())}, "alone")
    assert answer.status == 500
    assert answer.json()["detail"].startswith(
        f"Unreachable: No server answers at {links[1].reference['ref']}: "
    )


def test_payload_that_a_link_refuses_is_told(links: list[Link], first: Tesseract) -> None:
    """A caller's mistakes are reported with their place, before another link is called."""
    with pytest.raises(ValidationError, match=r"body\.inputs\.x: Array has wrong number"):
        first.apply(through(links, [X.tolist()]))


def test_files_are_chained_in_one_process(tmp_path: Path) -> None:
    """References to files compute the same, and keep their runs beside that of the caller."""
    folders = [tmp_path / f"link{number}" for number in range(3)]
    sources = [written(*link)[0] for link in zip(folders, WEIGHTS, strict=True)]
    following, *later = [{"type": "api_path", "ref": str(source)} for source in sources[1:]]
    inputs = {"x": X, "following": following, "later": later}
    with Tesseract.from_api(sources[0], output_path=tmp_path / "runs") as first:
        blocks = first.jacobian(inputs, ["x"], ["y"], run_id="outer")
    assert_same(blocks["y"]["x"], composed(X)[1])
    runs = [json.loads(path.read_text()) for path in tmp_path.glob("runs/run_*/logs/run.json")]
    parents = {run["parent_id"]: run["id"] for run in runs}
    assert parents[None] == "outer"
    assert set(parents) == {None, "outer", parents["outer"]}
