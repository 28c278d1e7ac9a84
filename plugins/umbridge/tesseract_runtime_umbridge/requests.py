"""The bodies of requests, by the names of the protocol."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

Vectors = list[list[float]]


class Named(BaseModel):
    """A request for a model by its name."""

    model_config = ConfigDict(frozen=True)

    name: str


class Question(Named):
    """A question about a model, `config` being the inputs that are not vectors."""

    config: dict[str, Any] = Field(default_factory=dict)


class Evaluate(Question):
    """The outputs at some inputs."""

    input: Vectors


class Gradient(Evaluate):
    """The gradient of an output, weighted by `sens`, by an input."""

    out_wrt: int = Field(alias="outWrt", ge=0)
    in_wrt: int = Field(alias="inWrt", ge=0)
    sens: list[float]


class ApplyJacobian(Evaluate):
    """The derivative of an output along the direction `vec` of an input."""

    out_wrt: int = Field(alias="outWrt", ge=0)
    in_wrt: int = Field(alias="inWrt", ge=0)
    vec: list[float]


class ApplyHessian(Evaluate):
    """The derivative of a gradient by the first input along the direction `vec` of the second."""

    out_wrt: int = Field(alias="outWrt", ge=0)
    in_wrt: int = Field(alias="inWrt1", ge=0)
    direction_wrt: int = Field(alias="inWrt2", ge=0)
    sens: list[float]
    vec: list[float]
