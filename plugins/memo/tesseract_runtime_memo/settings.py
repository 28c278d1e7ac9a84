"""The options."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from runtime_core.config import Flag
from runtime_core.files import is_url


def _absolute(place: str | None) -> str | None:
    if not place:
        return None  # an empty variable is not the working directory
    return place if is_url(place) else str(Path(place).absolute())


class MemoSettings(BaseModel):
    """Where results are kept, and whose."""

    model_config = ConfigDict(frozen=True, defer_build=True)

    memo: Annotated[str | None, AfterValidator(_absolute), Flag(changes_results=False)] = Field(
        None, description="Folder or URL where results of deterministic files are kept."
    )
    force: Annotated[bool, Flag(changes_results=False, advanced=True)] = Field(
        False, description="Keep results of a file that does not say `deterministic = True`."
    )
    bytes: Annotated[int, Flag(changes_results=False, advanced=True)] = Field(
        1 << 30, ge=1, description="Bytes of all kept results; the oldest are removed."
    )
