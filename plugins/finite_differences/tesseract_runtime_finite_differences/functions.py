"""Finite differences for authors of a `tesseract_api.py`."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from typing import Any

from runtime_core.arrays import AnyArray
from runtime_core.gradients import SerialEvaluations
from tesseract_runtime_finite_differences import dispatch
from tesseract_runtime_finite_differences.jacobian import Blocks
from tesseract_runtime_finite_differences.scheme import Scheme
from tesseract_runtime_finite_differences.settings import Algorithm, Eps
from tesseract_runtime_finite_differences.sparsity import Sparsity


def finite_difference_jacobian(
    apply_fn: Callable[[Any], object],
    inputs: Any,
    jac_inputs: Collection[str],
    jac_outputs: Collection[str],
    *,
    algorithm: Algorithm = "central",
    eps: Eps = 1e-4,
    num_samples: int | None = None,
    seed: int | None = None,
    sparsity: Sparsity | None = None,
    sparsity_check: bool = True,
) -> Blocks:
    """Compute the Jacobian of an apply function by finite differences.

    Args:
        apply_fn: The function, `apply(inputs) -> outputs`. It may change its inputs.
        inputs: Where to compute the Jacobian.
        jac_inputs: Paths of inputs to differentiate with respect to; real floating point arrays.
        jac_outputs: Paths of outputs to differentiate.
        algorithm: `central` evaluates twice for each input element; its error falls with the
            square of the step. `forward` evaluates once, and once at the inputs themselves; its
            error falls with the step. `stochastic` evaluates twice for each sample, and is right
            on average only: the error of a row is about `sqrt((n - 1) / num_samples)` of the norm
            of the row for n input elements. Up to `num_samples` elements it is `central`, which
            then costs no more.
        eps: The absolute step, in the unit of the input, or `"auto"`: for each element x the
            machine epsilon of its data type to the power 1/3 (1/2 for `forward`) times `|x|`, or
            times 1 where x is 0. Or a mapping from input path to either. A step that rounding
            would swallow becomes the smallest that the data type represents; differences are
            divided by the step after rounding.
        num_samples: Samples of `stochastic`, by default `max(10, sqrt(n))`.
        seed: Seed of `stochastic`; without one each call gives another estimate.
        sparsity: `{output: {input: pattern}}`, where the Jacobian has entries: `"diagonal"`,
            `"banded:K"` for K entries on each side of the diagonal, or a matrix of `scipy.sparse`,
            of the elements of the output by those of the input in C order. Elements that share no
            row move together: a tridiagonal block takes 1 evaluation of the base, and 3 (`forward`)
            or 6 (`central`) others, of any size. A block without a pattern is taken for full.
        sparsity_check: Check the pattern by one more evaluation, along a random direction.

    Returns:
        `{output: {input: array}}`, each of shape `(*output.shape, *input.shape)` and in double
        precision, as float64 or complex128; of rank 0 a numpy scalar.

    Raises:
        GradientFailed: An input is not of real floating point, `apply_fn` fails or returns NaN or
            infinity near the inputs, an option cannot be used, or the sparsity is wrong.

    Example:
        >>> import numpy as np
        >>> finite_difference_jacobian(
        ...     lambda inputs: {"y": inputs["x"] ** 2}, {"x": np.array([1.0, 3.0])}, {"x"}, {"y"}
        ... )["y"]["x"].round(6)
        array([[2., 0.],
               [0., 6.]])
    """
    scheme = Scheme(
        algorithm=algorithm,
        eps=eps,
        num_samples=num_samples,
        seed=seed,
        sparsity=sparsity,
        sparsity_check=sparsity_check,
    )
    evaluations = SerialEvaluations(apply_fn, inputs)
    return dispatch.jacobian(evaluations, inputs, jac_inputs, jac_outputs, scheme)


def finite_difference_jvp(
    apply_fn: Callable[[Any], object],
    inputs: Any,
    jvp_inputs: Collection[str],
    jvp_outputs: Collection[str],
    tangent_vector: Mapping[str, Any],
    *,
    algorithm: Algorithm = "central",
    eps: Eps = 1e-4,
    batch: int | None = None,
) -> dict[str, AnyArray]:
    """Compute a Jacobian-vector product by differences along the tangent: two evaluations.

    Of a `batch` every tangent takes its own; arrays of tangents and of the result have its axis.

    The inputs move by `eps` times the tangent. With `"auto"` every input array moves by at most
    the machine epsilon of its data type to the power 1/3 (1/2 for `forward`) of its root mean
    square, weighted by the tangent; of a mapping the smallest step counts. `stochastic` means
    `central` here.

    `tangent_vector` has an array of the shape of the input for each of `jvp_inputs`. The result is
    `{output: array}`, each of the shape and data type of the output, or float64 where that is of
    integers. All else is as in `finite_difference_jacobian`; a tangent that does not fit the inputs
    raises `GradientFailed`.

    Example:
        >>> import numpy as np
        >>> square = lambda inputs: {"y": inputs["x"] ** 2}
        >>> inputs, tangent = {"x": np.array([1.0, 3.0])}, {"x": np.array([1.0, 0.5])}
        >>> finite_difference_jvp(square, inputs, {"x"}, {"y"}, tangent)["y"].round(6)
        array([2., 3.])
    """
    scheme = Scheme(algorithm=algorithm, eps=eps)
    evaluations = SerialEvaluations(apply_fn, inputs)
    return dispatch.jacobian_vector_product(
        evaluations, inputs, jvp_inputs, jvp_outputs, tangent_vector, scheme, batch
    )


def finite_difference_vjp(
    apply_fn: Callable[[Any], object],
    inputs: Any,
    vjp_inputs: Collection[str],
    vjp_outputs: Collection[str],
    cotangent_vector: Mapping[str, Any],
    *,
    algorithm: Algorithm = "central",
    eps: Eps = 1e-4,
    num_samples: int | None = None,
    seed: int | None = None,
    batch: int | None = None,
    sparsity: Sparsity | None = None,
    sparsity_check: bool = True,
) -> dict[str, AnyArray]:
    """Compute a vector-Jacobian product by finite differences.

    It takes as many evaluations as the Jacobian, one or two for each input element, but memory for
    one column of it only. A `batch` of cotangents takes no more; arrays of cotangents and of the
    result have its axis.

    `cotangent_vector` has an array of the shape of the output for each of `vjp_outputs`. The result
    is `{input: array}`, each of the shape and data type of the input, and the real part of the
    product where outputs are complex. All else is as in `finite_difference_jacobian`; a cotangent
    that does not fit the outputs raises `GradientFailed`.

    Example:
        >>> import numpy as np
        >>> square = lambda inputs: {"y": inputs["x"] ** 2}
        >>> inputs, cotangent = {"x": np.array([1.0, 3.0])}, {"y": np.array([1.0, 0.5])}
        >>> finite_difference_vjp(square, inputs, {"x"}, {"y"}, cotangent)["x"].round(6)
        array([2., 3.])
    """
    scheme = Scheme(
        algorithm=algorithm,
        eps=eps,
        num_samples=num_samples,
        seed=seed,
        sparsity=sparsity,
        sparsity_check=sparsity_check,
    )
    evaluations = SerialEvaluations(apply_fn, inputs)
    return dispatch.vector_jacobian_product(
        evaluations, inputs, vjp_inputs, vjp_outputs, cotangent_vector, scheme, batch
    )
