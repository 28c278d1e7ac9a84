"""The example of a mesh computes constants that are known."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from scipy.spatial import Delaunay

from runtime_core import Runtime
from tests.conftest import REPOSITORY
from tests.scripts import module_of

meshio = pytest.importorskip("meshio")

EXAMPLE = REPOSITORY / "docs" / "examples" / "torsion"


def torsion(folder: Path, points: np.ndarray, triangles: np.ndarray) -> Any:
    """Return the outputs for a section, and keep its files in a folder."""
    mesh = meshio.Mesh(np.pad(points, ((0, 0), (0, 1))), [("triangle", triangles)])
    mesh.write(folder / "mesh.vtu")
    runtime = Runtime.from_file(
        EXAMPLE / "tesseract_api.py", input_path=folder, output_path=folder / "out"
    )
    inputs = {"mesh": "mesh.vtu", "shear_modulus": 1.0, "twist": 1.0}
    return runtime.call("apply", {"inputs": inputs}).root  # type: ignore[attr-defined]  # a RootModel


def disc(rings: int) -> np.ndarray:
    """Return points of the unit disc, with those on the edge in the last ring."""
    around = [np.linspace(0, 2 * np.pi, 6 * ring, endpoint=False) for ring in range(1, rings + 1)]
    on = [
        ring / rings * np.stack([np.cos(angle), np.sin(angle)], axis=1)
        for ring, angle in enumerate(around, 1)
    ]
    return np.concatenate([np.zeros((1, 2)), *on])


def square(cells: int) -> np.ndarray:
    """Return points of the unit square."""
    ticks = np.linspace(0, 1, cells + 1)
    return np.stack(np.meshgrid(ticks, ticks), axis=-1).reshape(-1, 2)


def test_ellipse_has_its_constant_and_stress(tmp_path: Path) -> None:
    """J = pi a^3 b^3 / (a^2 + b^2), and the largest stress lies at the ends of the short axis."""
    a, b = 3.0, 2.0
    points = disc(40)
    found = torsion(tmp_path, points * [a, b], Delaunay(points).simplices)
    constant = np.pi * a**3 * b**3 / (a**2 + b**2)
    assert found.torsion_constant == pytest.approx(constant, rel=3e-3)
    assert found.torque == found.torsion_constant
    assert found.largest_stress == pytest.approx(2 * a**2 * b / (a**2 + b**2), rel=0.03)
    solution = meshio.read(found.solution)
    middle = solution.point_data["stress_function"].max()
    assert middle == pytest.approx(a**2 * b**2 / (a**2 + b**2), rel=3e-3)


def test_square_has_its_constant(tmp_path: Path) -> None:
    """0.1406 of the fourth power of the side."""
    points = square(40)
    found = torsion(tmp_path, points, Delaunay(points).simplices)
    assert found.torsion_constant == pytest.approx(0.1406, rel=3e-3)
    assert found.largest_stress == pytest.approx(0.675, rel=0.04)


def test_section_with_a_hole_is_refused(tmp_path: Path) -> None:
    """The stress function has another value on the edge of a hole."""
    points = square(6)
    triangles = Delaunay(points).simplices
    centres = points[triangles].mean(axis=1)
    outside = np.abs(centres - 0.5).max(axis=1) > 1 / 6
    with pytest.raises(ValueError, match="one piece without holes"):
        torsion(tmp_path, points, triangles[outside])


def test_mesh_of_the_angle_is_that_of_its_program() -> None:
    """The mesh in the folder, 2 mm fine, covers both legs once."""
    script = module_of(EXAMPLE / "make_mesh.py")
    made, kept = script.angle(0.06, 0.008, 0.002), meshio.read(EXAMPLE / "angle.msh")
    assert np.allclose(made.points, kept.points)
    triangles = made.get_cells_type("triangle")
    assert np.array_equal(triangles, kept.get_cells_type("triangle"))
    a, b, c = made.points[triangles].transpose(1, 0, 2)
    area = np.abs(np.cross(b - a, c - a)[:, 2]).sum() / 2
    assert area == pytest.approx(0.06**2 - 0.052**2)
