"""Draw the stress in a section: `plot.py solution.vtu stress.png`."""

from __future__ import annotations

import sys

import matplotlib.pyplot as plt
import meshio
import numpy as np
from matplotlib.tri import Triangulation


def main(solution: str, picture: str) -> None:
    """Draw the shear stress of each triangle, and lines of the stress function."""
    mesh = meshio.read(solution)
    x, y = 1e3 * mesh.points[:, 0], 1e3 * mesh.points[:, 1]
    triangles = mesh.get_cells_type("triangle")
    stress = mesh.cell_data_dict["shear_stress"]["triangle"] / 1e6
    function = mesh.point_data["stress_function"]
    bar = Triangulation(x, y, triangles)
    figure, axes = plt.subplots(figsize=(5.2, 4.4), layout="constrained")
    colors = axes.tripcolor(bar, facecolors=stress, cmap="magma")
    levels = np.linspace(0, function.max(), 8)[1:-1]
    axes.tricontour(bar, function, levels=levels, colors="white", linewidths=0.6)
    figure.colorbar(colors, label="shear stress in MPa")
    axes.set(xlabel="mm", ylabel="mm", aspect="equal")
    figure.savefig(picture, dpi=120)


if __name__ == "__main__":
    main(*sys.argv[1:])
