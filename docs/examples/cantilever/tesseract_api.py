"""A cantilever under load and its own weight; another Tesseract computes its sections."""

from collections.abc import Collection, Mapping

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, Field

from tesseract_core.runtime import Array, Differentiable, Float64
from tesseract_core.runtime.experimental import TesseractReference

GRAVITY = 9.81
"""Acceleration of gravity in m/s^2."""

Numbers = NDArray[np.float64]


class InputSchema(BaseModel):
    """A beam of elements of equal length, clamped at one end, and the forces on it."""

    section: TesseractReference = Field(
        description="Computes `stiffness` in N m^2 and `mass` in kg/m, both of shape (elements,), "
        "from `dimensions`."
    )
    dimensions: Differentiable[Array[(None, None), Float64]] = Field(
        description="What `section` wants to know of each element; shape (elements, dimensions)."
    )
    load: Differentiable[Array[(None,), Float64]] = Field(
        description="Force downwards at the far end of each element in N; shape (elements,)."
    )
    length: Float64 = Field(description="Length of the beam in m.")


class OutputSchema(BaseModel):
    """The beam at rest."""

    deflection: Differentiable[Array[(None,), Float64]] = Field(
        description="How far the far end of each element has sunk in m; shape (elements,)."
    )
    mass: Differentiable[Float64] = Field(description="Mass of the beam in kg.")


class Elements:
    """Euler-Bernoulli elements of one length, each with a deflection and a slope at both ends.

    `moves` and `forces` have these two for each node, the clamped end first. `unit`
    is the matrix of an element whose stiffness is 1, and `weight` are the forces of 1 kg/m.
    """

    def __init__(self, stiffness: Numbers, size: float) -> None:
        self.stiffness = stiffness
        self.size = size
        self.unit = unit_matrix(size)
        self.weight = GRAVITY * size * np.array([1 / 2, size / 12, 1 / 2, -size / 12])

    def moves(self, forces: Numbers) -> Numbers:
        """Solve for the moves of a beam with its first node clamped, under given forces."""
        matrix = np.zeros((forces.size, forces.size))
        for element, stiffness in enumerate(self.stiffness):
            nodes = slice(2 * element, 2 * element + 4)
            matrix[nodes, nodes] += stiffness * self.unit
        free = np.linalg.solve(matrix[2:, 2:], forces[2:])
        return np.concatenate([[0, 0], free])

    def forces(self, load: Numbers, mass: Numbers) -> Numbers:
        """Return the forces of a load on the nodes and of a mass in kg/m."""
        forces = spread(np.outer(mass, self.weight))
        forces[2::2] += load
        return forces

    def stresses(self, moves: Numbers) -> Numbers:
        """Return the forces of each element on its ends for a stiffness of 1."""
        return ends(moves) @ self.unit


def unit_matrix(h: float) -> Numbers:
    """Return the forces at the ends of an element of length h and stiffness 1 for each move."""
    rows = [
        [12, 6 * h, -12, 6 * h],
        [6 * h, 4 * h**2, -6 * h, 2 * h**2],
        [-12, -6 * h, 12, -6 * h],
        [6 * h, 2 * h**2, -6 * h, 4 * h**2],
    ]
    return np.array(rows) / h**3


def ends(nodes: Numbers) -> Numbers:
    """Return the four values at the ends of each element; shape (elements, 4)."""
    pairs = nodes.reshape(-1, 2)
    return np.hstack([pairs[:-1], pairs[1:]])


def spread(values: Numbers) -> Numbers:
    """Return the sum at each node of values at the ends of each element."""
    nodes = np.zeros((len(values) + 1, 2))
    nodes[:-1] += values[:, :2]
    nodes[1:] += values[:, 2:]
    return nodes.ravel()


def solved(inputs: InputSchema) -> tuple[Elements, Numbers, Numbers]:
    """Return the elements, the mass of each in kg/m, and the moves of the beam."""
    section = inputs.section.apply({"dimensions": inputs.dimensions})
    elements = Elements(section["stiffness"], inputs.length / len(inputs.dimensions))
    moves = elements.moves(elements.forces(inputs.load, section["mass"]))
    return elements, section["mass"], moves


def apply(inputs: InputSchema) -> OutputSchema:
    """Compute the deflection and the mass of the beam."""
    elements, mass, moves = solved(inputs)
    return OutputSchema(deflection=moves[2::2], mass=elements.size * mass.sum())


def jacobian_vector_product(
    inputs: InputSchema,
    jvp_inputs: Collection[str],
    jvp_outputs: Collection[str],
    tangent_vector: Mapping[str, Numbers],
) -> Mapping[str, Numbers]:
    """Propagate tangents of the inputs through the section, then through the beam."""
    elements, mass, moves = solved(inputs)
    change = {"stiffness": np.zeros_like(mass), "mass": np.zeros_like(mass)}
    if "dimensions" in jvp_inputs:
        change = inputs.section.jacobian_vector_product(
            {"dimensions": inputs.dimensions},
            ["dimensions"],
            ["stiffness", "mass"],
            {"dimensions": tangent_vector["dimensions"]},
        )
    forces = elements.forces(tangent_vector.get("load", np.zeros_like(mass)), change["mass"])
    forces -= spread(change["stiffness"][:, np.newaxis] * elements.stresses(moves))
    products = {
        "deflection": elements.moves(forces)[2::2],
        "mass": elements.size * change["mass"].sum(),
    }
    return {path: products[path] for path in jvp_outputs}


def vector_jacobian_product(
    inputs: InputSchema,
    vjp_inputs: Collection[str],
    vjp_outputs: Collection[str],
    cotangent_vector: Mapping[str, Numbers],
) -> Mapping[str, Numbers]:
    """Propagate cotangents of the outputs back through the beam, then through the section."""
    elements, mass, moves = solved(inputs)
    nothing = np.zeros_like(mass)
    weights = elements.forces(cotangent_vector.get("deflection", nothing), nothing)
    adjoint = elements.moves(weights)  # the equations are symmetric
    products = {"load": adjoint[2::2]}
    if "dimensions" in vjp_inputs:
        weight = ends(adjoint) @ elements.weight
        products |= inputs.section.vector_jacobian_product(
            {"dimensions": inputs.dimensions},
            ["dimensions"],
            ["stiffness", "mass"],
            {
                "stiffness": -np.sum(ends(adjoint) * elements.stresses(moves), axis=1),
                "mass": weight + elements.size * cotangent_vector.get("mass", 0.0),
            },
        )
    return {path: products[path] for path in vjp_inputs}
