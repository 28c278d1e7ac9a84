"""Functions and types of plugins for a `tesseract_api.py`, imported when first used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from runtime_core.lazy_exports import lazy_exports

if TYPE_CHECKING:
    from runtime_core.run_logs import log_artifact, log_metric, log_parameter, run_directory
    from tesseract_runtime_authoring import (
        SKIP_REQUIRED_FILE_CHECK,
        InputPath,
        LazySequence,
        OutputPath,
        TesseractReference,
        require_file,
    )
    from tesseract_runtime_binref import BinrefArray, BinrefWriter
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
    "require_file",
    "finite_difference_jacobian",
    "finite_difference_jvp",
    "finite_difference_vjp",
    "jacobian_from_jvp",
    "jacobian_from_vjp",
    "jvp_from_jacobian",
    "vjp_from_jacobian",
    "log_artifact",
    "log_metric",
    "log_parameter",
    "run_directory",
    "set_jax_vjp_cache_size",
    "BinrefArray",
    "BinrefWriter",
]

__getattr__, __dir__ = lazy_exports(
    __name__,
    {
        "tesseract_runtime_authoring": __all__[:6],
        "tesseract_runtime_finite_differences": __all__[6:13],
        "runtime_core.run_logs": __all__[13:17],
        "tesseract_runtime_jax": __all__[17:18],
        "tesseract_runtime_binref": __all__[18:],
    },
)
