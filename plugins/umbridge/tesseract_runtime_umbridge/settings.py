"""The option of the server."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class UmbridgeSettings(BaseModel):
    """What is served."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    umbridge: bool = Field(False, description="Serve the routes of UM-Bridge too.")
