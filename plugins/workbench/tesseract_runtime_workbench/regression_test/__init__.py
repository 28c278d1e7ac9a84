"""Regression cases of a Tesseract: the endpoint and the command `test`.

The names are imported when they are first used, so that registering the plugin costs nothing.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tesseract_runtime_workbench.regression_test.case import RegressionCase
    from tesseract_runtime_workbench.regression_test.judgement import judge
    from tesseract_runtime_workbench.regression_test.verdict import RegressionVerdict

__all__ = ["RegressionCase", "RegressionVerdict", "judge"]

_MODULES = {"RegressionCase": "case", "RegressionVerdict": "verdict", "judge": "judgement"}


def __getattr__(name: str) -> Any:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(importlib.import_module(f"{__name__}.{_MODULES[name]}"), name)
