"""The example of a beam and its sections is right, and so are gradients through both."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tesseract_runtime_authoring import TesseractReference
from tesseract_runtime_client import Tesseract, TesseractFailed
from tests.conftest import REPOSITORY, Cli
from tests.patience import SECONDS
from tests.server.conftest import Served, serving

EXAMPLE = REPOSITORY / "docs" / "examples" / "cantilever"

LENGTH, TIP_LOAD = 2.0, 200.0
BOX = [0.04, 0.08, 0.003]

STIFFNESS = 70e9 * (0.04 * 0.08**3 - 0.034 * 0.074**3) / 12
"""That of `BOX` in N m^2."""

MASS = 2700 * (0.04 * 0.08 - 0.034 * 0.074)
"""That of `BOX` in kg/m."""

Numbers = NDArray[np.float64]


@pytest.fixture(scope="module")
def section() -> Iterator[Served]:
    """Return a server of the sections."""
    with serving(EXAMPLE / "box" / "tesseract_api.py") as server:
        yield server


@pytest.fixture(scope="module")
def reference(section: Served) -> Iterator[TesseractReference]:
    """Return the sections as an input."""
    with Tesseract.from_url(f"http://127.0.0.1:{section.port}") as client:
        yield TesseractReference(client)


@pytest.fixture(scope="module")
def beam(section: Served) -> Iterator[Tesseract]:
    """Return a served beam that admits these sections."""
    allowed = f"http://127.0.0.1:{section.port}"
    with (
        serving(EXAMPLE / "tesseract_api.py", "--allow-url-prefix", allowed) as server,
        Tesseract.from_url(f"http://127.0.0.1:{server.port}") as client,
    ):
        yield client


def inputs_of(reference: TesseractReference, dimensions: Any, load: Any = None) -> dict[str, Any]:
    """Return inputs, by default with a load at the tip."""
    load = np.eye(len(dimensions))[-1] * TIP_LOAD if load is None else load
    return {"section": reference, "dimensions": dimensions, "load": load, "length": LENGTH}


@pytest.mark.parametrize("elements", [1, 2, 7])
def test_straight_beam_sinks_as_its_formula_says(
    beam: Tesseract, reference: TesseractReference, elements: int
) -> None:
    """With one section, the deflection at every node is the exact one, however few there are."""
    result = beam.apply(inputs_of(reference, [BOX] * elements))
    x = LENGTH * np.arange(1, elements + 1) / elements
    by_load = TIP_LOAD * x**2 * (3 * LENGTH - x) / 6
    by_weight = MASS * 9.81 * x**2 * (6 * LENGTH**2 - 4 * LENGTH * x + x**2) / 24
    np.testing.assert_allclose(result["deflection"], (by_load + by_weight) / STIFFNESS, rtol=1e-9)
    assert result["mass"] == pytest.approx(MASS * LENGTH)


def test_elements_of_one_section_are_one_element(
    beam: Tesseract, reference: TesseractReference
) -> None:
    """A beam of two sections does not change when each of its elements is divided."""
    boxes, load = [BOX, [0.03, 0.05, 0.002]], [50.0, -20.0]
    coarse = beam.apply(inputs_of(reference, boxes, load))
    divided = np.repeat(boxes, 3, axis=0), [0, 0, 50.0, 0, 0, -20.0]
    fine = beam.apply(inputs_of(reference, *divided))
    np.testing.assert_allclose(fine["deflection"][2::3], coarse["deflection"], rtol=1e-9)
    assert fine["mass"] == pytest.approx(coarse["mass"])


def test_gradients_go_through_both(beam: Tesseract, reference: TesseractReference) -> None:
    """Tangents and cotangents agree with each other and with central differences."""
    generator = np.random.default_rng(2)
    boxes = BOX * generator.uniform(0.8, 1.2, size=(5, 3))
    inputs = inputs_of(reference, boxes, generator.normal(scale=100, size=5))
    tangent: dict[str, Any] = {
        "dimensions": boxes * generator.normal(size=(5, 3)),
        "load": generator.normal(size=5),
    }
    cotangent = {"deflection": generator.normal(size=5), "mass": generator.normal()}
    paths = (list(tangent), list(cotangent))
    along = beam.jacobian_vector_product(inputs, *paths, tangent)
    back = beam.vector_jacobian_product(inputs, *paths, cotangent)
    rise = sum(np.sum(cotangent[path] * along[path]) for path in cotangent)
    assert sum(np.sum(tangent[path] * back[path]) for path in tangent) == pytest.approx(rise)
    ahead, behind = (
        beam.apply({**inputs, **{path: inputs[path] + step * tangent[path] for path in tangent}})
        for step in (1e-5, -1e-5)
    )
    for path, product in along.items():
        np.testing.assert_allclose(product, (ahead[path] - behind[path]) / 2e-5, rtol=1e-6)


def test_check_gradients_passes(cli: Cli) -> None:
    """The command finds no fault in the gradients of the beam, whose section is a file."""
    ended = cli(
        "--api-path",
        str(EXAMPLE / "tesseract_api.py"),
        "check-gradients",
        f"@{EXAMPLE / 'inputs.json'}",
        "--eps-for",
        "dimensions=1e-6",
        cwd=REPOSITORY,
    )
    assert (ended.returncode, ended.stderr) == (0, "")
    assert len(re.findall(r"product passed \(0 failures / 80 checks\)", ended.stdout)) == 2


def test_fault_of_the_section_is_told(beam: Tesseract, reference: TesseractReference) -> None:
    """Dimensions that the section refuses are an error with its text."""
    with pytest.raises(TesseractFailed, match=r"inputs\.dimensions: Array shape \(1, 2\)"):
        beam.apply(inputs_of(reference, [[0.04, 0.08]]))


def test_design_is_lighter_and_as_stiff(section: Served) -> None:
    """The script finds a taper that saves an eighth of the mass."""
    ended = subprocess.run(
        [sys.executable, str(EXAMPLE / "design.py"), f"http://127.0.0.1:{section.port}"],
        capture_output=True,
        text=True,
        timeout=SECONDS,
    )
    assert ended.returncode == 0, ended.stderr
    found = re.findall(r"([\d.]+) kg, sinks ([\d.]+) mm", ended.stdout)
    (straight, allowed), (tapered, tip) = ((float(kg), float(mm)) for kg, mm in found)
    assert allowed == tip == 20.0
    assert tapered < 0.88 * straight
