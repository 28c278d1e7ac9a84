"""The endpoint `test`: one case of a caller, held against the Tesseract."""

from __future__ import annotations

from runtime_core.contracts import Binding, BoundEndpoint, Unavailable
from tesseract_runtime_workbench.regression_test.case import RegressionCase
from tesseract_runtime_workbench.regression_test.judgement import judge
from tesseract_runtime_workbench.regression_test.verdict import RegressionVerdict


def bind(binding: Binding) -> BoundEndpoint | Unavailable:
    """Bind the judgement of cases, for developers only: it shows what user code raises."""
    if not binding.config.debug:
        return Unavailable("it is served with --debug only.")
    return BoundEndpoint(
        payload=RegressionCase,
        result=RegressionVerdict,
        answer=lambda case: judge(binding, case),
    )
