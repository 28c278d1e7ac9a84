"""Make a mesh of an angle section: `make_mesh.py angle.msh [LEG THICKNESS SIZE]`, in m."""

from __future__ import annotations

import sys

import meshio
import numpy as np
from numpy.typing import ArrayLike


def angle(leg: float, thickness: float, size: float) -> meshio.Mesh:
    """Return two legs of equal length, in squares of about a size that are cut in two."""
    across = max(round(thickness / size), 1)
    ticks = np.concatenate(
        [
            np.linspace(0, thickness, across, endpoint=False),
            np.linspace(thickness, leg, max(round((leg - thickness) / size), 1) + 1),
        ]
    )
    n = ticks.size
    points = np.stack(np.meshgrid(ticks, ticks, indexing="ij"), axis=-1).reshape(-1, 2)
    i, j = np.meshgrid(np.arange(n - 1), np.arange(n - 1), indexing="ij")
    inside = (i < across) | (j < across)
    low = (i * n + j)[inside]
    right = low + n
    triangles = np.concatenate(
        [np.stack([low, right, right + 1], axis=1), np.stack([low, right + 1, low + 1], axis=1)]
    )
    used, numbered = np.unique(triangles, return_inverse=True)
    flat = np.column_stack([points[used], np.zeros(used.size)])
    parts: list[ArrayLike] = [np.ones(len(triangles), int)]  # Gmsh numbers the parts of a mesh
    return meshio.Mesh(
        flat,
        [("triangle", numbered.reshape(triangles.shape))],
        cell_data={"gmsh:physical": parts, "gmsh:geometrical": parts},
    )


def main(path: str, leg: str = "0.06", thickness: str = "0.008", size: str = "0.002") -> None:
    """Write the mesh in the format of Gmsh."""
    angle(float(leg), float(thickness), float(size)).write(path, "gmsh22", binary=False)


if __name__ == "__main__":
    main(*sys.argv[1:])
