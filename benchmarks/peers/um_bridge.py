"""The model of the studies as UM-Bridge serves it: `python um_bridge.py PORT`."""

import sys
from typing import Any

import umbridge  # type: ignore[import-not-found]  # it is installed in another environment


class Double(umbridge.Model):  # type: ignore[misc]  # its type is unknown here
    """Doubles a vector."""

    def __init__(self) -> None:
        super().__init__("forward")

    def get_input_sizes(self, config: Any) -> list[int]:
        """Return the sizes of the inputs."""
        return [16]

    def get_output_sizes(self, config: Any) -> list[int]:
        """Return the sizes of the outputs."""
        return [16]

    def supports_evaluate(self) -> bool:
        """Say that the model can be evaluated."""
        return True

    def __call__(self, parameters: list[list[float]], config: Any) -> list[list[float]]:
        """Double the first input."""
        return [[2 * value for value in parameters[0]]]


umbridge.serve_models([Double()], int(sys.argv[1]))
