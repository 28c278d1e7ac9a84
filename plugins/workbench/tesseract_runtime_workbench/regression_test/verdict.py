"""What became of a regression case."""

from __future__ import annotations

from typing import Literal

from pydantic import BaseModel, Field


class RegressionVerdict(BaseModel):
    """What became of a case, with everything that differs in its message."""

    status: Literal["passed", "failed", "error"] = Field(
        description="Whether what came was expected, was something else, or the case could not "
        "be judged."
    )
    message: str = Field(description="What was expected and what came; empty if it passed.")
    endpoint: str = Field(description="The endpoint of the case.")
