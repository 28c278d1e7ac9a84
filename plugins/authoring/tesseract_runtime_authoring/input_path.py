"""`InputPath`: a file or folder of the input path as a field of a schema."""

from __future__ import annotations

from pathlib import Path

from pydantic import ValidationInfo

from runtime_core.calls import scope
from tesseract_runtime_authoring.path_root import INPUTS
from tesseract_runtime_authoring.rooted_path import RootedPath


class InputPath(RootedPath):
    """Type annotation for an existing file or folder in the input path.

    A document names it relative to the input path; validation makes an absolute `pathlib.Path`
    of the name, with links resolved. A path that does not exist, or leads out of the input path,
    is rejected.

    >>> from pydantic import BaseModel
    >>> class Inputs(BaseModel):
    ...     mesh: InputPath
    >>> inputs = Inputs(mesh=".")
    >>> inputs.mesh.is_absolute(), inputs.model_dump_json()
    (True, '{"mesh":"."}')
    """

    _path_root = INPUTS

    @classmethod
    def _located(cls, name: str, info: ValidationInfo) -> Path:  # noqa: ARG003  # of the base class
        files = scope.current().files
        if files.confined:
            files.resolve(name)  # it knows what a remote caller may open
        return INPUTS.existing(name)
