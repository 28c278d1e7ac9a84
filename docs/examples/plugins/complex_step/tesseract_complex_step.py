"""Exact derivatives of real analytic code by complex steps: `--gradient-backend complex-step`.

f(x + ih) = f(x) + ih f'(x) + O(h^2), so that Im f(x + ih) / h is the derivative, without the
cancellation of finite differences and with h far below the rounding of x (Squire and Trapp, 1998).
"""

import numpy as np

from runtime_core.contracts import GradientBackend, Unavailable
from runtime_core.hookspecs import hookimpl

STEP = 1e-30


def provide(endpoint, binding):
    """Return the Jacobian-vector product; other gradients are derived from it."""
    from runtime_core.gradients import vector_at  # where it is needed, not at every start

    if endpoint != "jacobian_vector_product":
        return Unavailable("it computes jacobian_vector_product only.")

    def jacobian_vector_product(inputs, jvp_inputs, jvp_outputs, tangent_vector):
        apply = binding.trace(inputs)
        point = vector_at(inputs, jvp_inputs)
        moved = {path: at + 1j * STEP * tangent_vector[path] for path, at in point.items()}
        found = apply(moved, jvp_outputs)
        return {path: np.imag(value) / STEP for path, value in found.items()}

    return jacobian_vector_product


@hookimpl
def gradient_backends():
    yield GradientBackend(
        name="complex-step",
        summary="Complex steps, exact for real analytic code in numpy.",
        provide=provide,
    )
