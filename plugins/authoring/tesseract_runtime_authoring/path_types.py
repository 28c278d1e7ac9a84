"""`InputPath` and `OutputPath`: files and folders as fields of a schema."""

from __future__ import annotations

import os
from abc import abstractmethod
from pathlib import Path, PosixPath, PurePath
from typing import Any, ClassVar

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, ValidationInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from runtime_core.calls import current_scope
from runtime_core.errors import FileRefused
from tesseract_runtime_authoring.path_root import INPUTS, OUTPUTS, PathRoot, quoted
from tesseract_runtime_authoring.validation_errors import as_validation_error

_NAMES = core_schema.union_schema(
    [core_schema.str_schema(strict=True), core_schema.is_instance_schema(PurePath)],
    custom_error_type="path_type",
    custom_error_message="Input is not a valid path",
)

_SKIP = "skip_path_checks"  # in the validation context: files may be missing


class _RootedPath(PosixPath):
    """A path that documents name relative to a folder of the configuration."""

    _path_root: ClassVar[PathRoot]
    _written_when: ClassVar[core_schema.WhenUsed]

    @classmethod
    @abstractmethod
    def _located(cls, name: str, info: ValidationInfo) -> Path:
        """Return the absolute path of a name in a document."""

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        def validate(value: str | PurePath, info: ValidationInfo) -> Path:
            with as_validation_error():
                return cls._located(os.fspath(value), info)

        serialization = core_schema.plain_serializer_function_ser_schema(
            lambda value: cls._path_root.relative(Path(value)), when_used=cls._written_when
        )
        # An "after" validator, so that in a union with str the first member counts.
        return core_schema.with_info_after_validator_function(
            validate, _NAMES, serialization=serialization
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        description = f"A file or folder, relative to the {cls._path_root.noun}."
        return {"type": "string", "format": "path", "description": description}


class InputPath(_RootedPath):
    """Type annotation for an existing file or folder in the input path.

    A document names it relative to the input path. Validation returns an absolute `pathlib.Path`
    with links resolved, and rejects a path that does not exist or leads out of the input path.

    >>> from pydantic import BaseModel
    >>> class Inputs(BaseModel):
    ...     mesh: InputPath
    >>> inputs = Inputs(mesh=".")
    >>> inputs.mesh.is_absolute(), inputs.model_dump_json()
    (True, '{"mesh":"."}')
    """

    _path_root = INPUTS
    _written_when = "json"

    @classmethod
    def _located(cls, name: str, info: ValidationInfo) -> Path:
        files = current_scope().files
        if files.confined:
            files.resolve(name)  # applies the rights of a remote caller
        skip = info.context is not None and info.context.get(_SKIP)
        return INPUTS.inside(name) if skip else INPUTS.existing(name)


class OutputPath(_RootedPath):
    """Type annotation for a file or folder in the output path.

    In a result it must exist: `apply` returns the path of a file that it has written, absolute or
    relative to the output path. Functions receive an absolute `pathlib.Path` with links resolved;
    a document and `model_dump()` name it relative to the output path.

    In a payload it names a file to write, which need not exist. For a remote caller it must not,
    so that callers cannot name or overwrite the files of others.

    >>> from pydantic import BaseModel
    >>> class Outputs(BaseModel):
    ...     folder: OutputPath
    >>> outputs = Outputs(folder=".")
    >>> outputs.folder.is_absolute(), outputs.model_dump_json()
    (True, '{"folder":"."}')
    """

    _path_root = OUTPUTS
    _written_when = "always"

    @classmethod
    def _located(cls, name: str, info: ValidationInfo) -> Path:
        if info.context is None:  # a result: payloads are read with a context
            return OUTPUTS.existing(name)
        if _SKIP not in info.context:
            return _new_path(name)
        return OUTPUTS.inside(name) if info.context[_SKIP] else OUTPUTS.existing(name)


def _new_path(name: str) -> Path:
    path = OUTPUTS.inside(name)
    if path == OUTPUTS.real():
        raise FileRefused(f"{quoted(name)} is {OUTPUTS.place()} itself: name something in it.")
    if current_scope().files.confined and path.exists():
        raise FileRefused(f"{quoted(name)} exists already in {OUTPUTS.place()}: choose a new name.")
    return path
