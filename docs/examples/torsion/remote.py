"""Let a server compute a mesh of this machine: `remote.py URL MESH SOLUTION`."""

import sys
from pathlib import Path

from tesseract_runtime_client import Tesseract


def main(url: str, mesh: str, solution: str) -> None:
    """Print the torque, and fetch the solution."""
    with Tesseract.from_url(url) as bar:
        result = bar.apply({"mesh": Path(mesh), "twist": 0.02})
        print(f"{result['torque']:.1f} N m")
        result["solution"].download(solution)


if __name__ == "__main__":
    main(*sys.argv[1:])
