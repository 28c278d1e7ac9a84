"""Gradients by finite differences: functions for a `tesseract_api.py`, and a gradient backend."""

from tesseract_runtime_finite_differences.functions import (
    finite_difference_jacobian,
    finite_difference_jvp,
    finite_difference_vjp,
)

__all__ = ["finite_difference_jacobian", "finite_difference_jvp", "finite_difference_vjp"]
