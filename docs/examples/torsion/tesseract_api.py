"""The torsion of a bar whose cross-section is a mesh of triangles, by finite elements."""

from __future__ import annotations

import meshio
import numpy as np
from pydantic import BaseModel, Field
from scipy.sparse import coo_array
from scipy.sparse.linalg import factorized

from tesseract_core.runtime.experimental import InputPath, OutputPath, run_directory


class InputSchema(BaseModel):
    mesh: InputPath = Field(
        description="Triangles of the cross-section in m, in a format that meshio reads by suffix."
    )
    shear_modulus: float = Field(default=80e9, description="That of the bar in N/m^2.", gt=0)
    twist: float = Field(default=0.01, description="Twist of the bar in rad/m.")


class OutputSchema(BaseModel):
    torsion_constant: float = Field(description="That of the cross-section in m^4.")
    torque: float = Field(description="The torque that twists the bar in N m.")
    largest_stress: float = Field(description="The largest shear stress in N/m^2.")
    solution: OutputPath = Field(
        description="The mesh with the stress function (m^2) and the shear stress (N/m^2), as vtu."
    )


def apply(inputs: InputSchema) -> OutputSchema:
    """Solve for Prandtl's stress function: -laplace(phi) = 2 inside, phi = 0 on the edge."""
    mesh = meshio.read(inputs.mesh)
    points, triangles = mesh.points[:, :2], mesh.get_cells_type("triangle")
    edge = _edge(points, triangles)
    areas, gradients = _elements(points, triangles)
    phi = _stress_function(points, triangles, areas, gradients, edge)
    constant = float(2 * np.sum(areas * phi[triangles].mean(axis=1)))
    slope = np.linalg.norm(np.einsum("tn,tnd->td", phi[triangles], gradients), axis=1)
    stress = inputs.shear_modulus * abs(inputs.twist) * slope
    solution = run_directory() / "solution.vtu"
    meshio.Mesh(
        mesh.points,
        [("triangle", triangles)],
        point_data={"stress_function": phi},
        cell_data={"shear_stress": [stress]},
    ).write(solution)
    return OutputSchema(
        torsion_constant=constant,
        torque=inputs.shear_modulus * inputs.twist * constant,
        largest_stress=float(stress.max()),
        solution=solution,
    )


def _edge(points: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    """Return the points on the edge; a section with holes has other conditions there."""
    if not triangles.size:
        raise ValueError("the mesh has no triangles")
    sides = np.sort(triangles[:, [[0, 1], [1, 2], [2, 0]]].reshape(-1, 2), axis=1)
    sides, count = np.unique(sides, axis=0, return_counts=True)
    euler = np.unique(triangles).size - len(sides) + len(triangles)
    if euler != 1:
        raise ValueError("the cross-section must be one piece without holes")
    return np.unique(sides[count == 1])


def _elements(points: np.ndarray, triangles: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Return the area of each triangle, and the gradients of its three linear functions."""
    a, b, c = points[triangles].transpose(1, 0, 2)
    opposite = np.stack([c - b, a - c, b - a], axis=1)
    doubled = opposite[:, 0, 0] * opposite[:, 1, 1] - opposite[:, 0, 1] * opposite[:, 1, 0]
    turned = np.stack([-opposite[..., 1], opposite[..., 0]], axis=-1)
    return np.abs(doubled) / 2, turned / doubled[:, None, None]


def _stress_function(
    points: np.ndarray,
    triangles: np.ndarray,
    areas: np.ndarray,
    gradients: np.ndarray,
    edge: np.ndarray,
) -> np.ndarray:
    """Solve the linear equations of the points inside."""
    stiffness = areas[:, None, None] * gradients @ gradients.transpose(0, 2, 1)
    rows, columns = np.repeat(triangles, 3, axis=1), np.tile(triangles, 3)
    size = len(points)
    matrix = coo_array(
        (stiffness.ravel(), (rows.ravel(), columns.ravel())), shape=(size, size)
    ).tocsr()
    load = np.bincount(triangles.ravel(), np.repeat(2 * areas / 3, 3), minlength=size)
    inside = np.setdiff1d(np.unique(triangles), edge)
    phi = np.zeros(size)
    phi[inside] = factorized(matrix[inside][:, inside].tocsc())(load[inside])
    return phi
