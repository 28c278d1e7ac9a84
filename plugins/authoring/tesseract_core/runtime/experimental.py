"""Functions of plugins for a `tesseract_api.py`; each is imported when its name is first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tesseract_core.runtime.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from runtime_core.run_logs import log_artifact, log_metric, log_parameter
    from tesseract_runtime_authoring import (
        SKIP_REQUIRED_FILE_CHECK,
        InputPath,
        LazySequence,
        OutputPath,
        TesseractReference,
        require_file,
    )
    from tesseract_runtime_finite_differences import (
        finite_difference_jacobian,
        finite_difference_jvp,
        finite_difference_vjp,
        jacobian_from_jvp,
        jacobian_from_vjp,
        jvp_from_jacobian,
        vjp_from_jacobian,
    )
    from tesseract_runtime_jax import set_jax_vjp_cache_size

__all__ = [
    "InputPath",
    "LazySequence",
    "OutputPath",
    "SKIP_REQUIRED_FILE_CHECK",
    "TesseractReference",
    "finite_difference_jacobian",
    "finite_difference_jvp",
    "finite_difference_vjp",
    "jacobian_from_jvp",
    "jacobian_from_vjp",
    "jvp_from_jacobian",
    "log_artifact",
    "log_metric",
    "log_parameter",
    "require_file",
    "set_jax_vjp_cache_size",
    "vjp_from_jacobian",
]

__getattr__ = lazy_exports(
    __name__,
    {
        "InputPath": "tesseract_runtime_authoring",
        "LazySequence": "tesseract_runtime_authoring",
        "OutputPath": "tesseract_runtime_authoring",
        "SKIP_REQUIRED_FILE_CHECK": "tesseract_runtime_authoring",
        "TesseractReference": "tesseract_runtime_authoring",
        "finite_difference_jacobian": "tesseract_runtime_finite_differences",
        "finite_difference_jvp": "tesseract_runtime_finite_differences",
        "finite_difference_vjp": "tesseract_runtime_finite_differences",
        "jacobian_from_jvp": "tesseract_runtime_finite_differences",
        "jacobian_from_vjp": "tesseract_runtime_finite_differences",
        "jvp_from_jacobian": "tesseract_runtime_finite_differences",
        "log_artifact": "runtime_core.run_logs",
        "log_metric": "runtime_core.run_logs",
        "log_parameter": "runtime_core.run_logs",
        "require_file": "tesseract_runtime_authoring",
        "set_jax_vjp_cache_size": "tesseract_runtime_jax",
        "vjp_from_jacobian": "tesseract_runtime_finite_differences",
    },
)
