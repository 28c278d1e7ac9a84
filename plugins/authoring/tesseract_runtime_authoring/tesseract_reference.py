"""`TesseractReference`: another Tesseract as a field of a schema."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from typing import Any

from pydantic import (
    GetCoreSchemaHandler,
    GetJsonSchemaHandler,
    SerializationInfo,
    ValidatorFunctionWrapHandler,
)
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

from runtime_core import documents
from runtime_core.errors import TesseractRuntimeError
from tesseract_runtime_authoring.tesseract_address import (
    ADDRESS_CHECKS,
    OPENERS,
    Address,
    address_of,
)
from tesseract_runtime_authoring.validation_errors import as_validation_error


class TesseractReference:
    """Another Tesseract as an input, with the attributes of its client.

    A document names it `{"type": "url", "ref": "http://host:8000"}`, with the type `api_path` and
    the path of its file, or with the type `umbridge` and the URL of a model of UM-Bridge. The
    client (package `tesseract-runtime-client` or `tesseract-runtime-umbridge`) is made when an
    attribute is first used. In Python, pass the client itself as `tesseract`.

    >>> from pydantic import BaseModel
    >>> class Inputs(BaseModel):
    ...     solver: TesseractReference
    >>> Inputs(solver={"type": "url", "ref": "http://localhost:8000"}).model_dump_json()
    '{"solver":{"type":"url","ref":"http://localhost:8000"}}'
    """

    def __init__(self, tesseract: Any) -> None:
        self._tesseract = tesseract

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):  # of protocols that a client does not implement
            raise AttributeError(f"{type(self).__name__!r} object has no attribute {name!r}")
        return getattr(self._client, name)

    @property
    def reference(self) -> dict[str, str]:
        """The document of this reference, with `type` and `ref`.

        Raises `TesseractRuntimeError` for a client without an address.
        """
        address = address_of(self._tesseract)
        return {"type": address.type, "ref": address.ref}

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, TesseractReference):
            return NotImplemented
        return bool(self._identity == other._identity)

    def __hash__(self) -> int:
        return hash(self._identity)

    def __repr__(self) -> str:
        return f"TesseractReference({self._tesseract!r})"

    def __reduce__(self) -> Any:
        return type(self), (self._identity,)  # another process makes its own client

    def __copy__(self) -> TesseractReference:
        return self  # it is immutable

    def __deepcopy__(self, memo: dict[int, Any]) -> TesseractReference:
        return self  # gradients copy inputs many times: the copies share the client

    @property
    def _identity(self) -> Any:
        """The address, or the client if it has none; references are compared by it."""
        try:
            return address_of(self._tesseract)
        except TesseractRuntimeError:
            return self._tesseract

    @cached_property
    def _client(self) -> Any:
        tesseract = self._tesseract
        return tesseract.client() if isinstance(tesseract, Address) else tesseract

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_wrap_validator_function(
            _read,
            _document(*ADDRESS_CHECKS),  # its check rejects an image
            serialization=core_schema.plain_serializer_function_ser_schema(_written, info_arg=True),
        )

    @classmethod
    def __get_pydantic_json_schema__(
        cls, schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> JsonSchemaValue:
        schema = handler(_document(*OPENERS))
        return {"description": "Another Tesseract.", **schema}


def _document(*types: str) -> CoreSchema:
    fields = {
        "type": core_schema.typed_dict_field(core_schema.literal_schema([*types])),
        "ref": core_schema.typed_dict_field(core_schema.str_schema(min_length=1)),
    }
    return core_schema.typed_dict_schema(fields, extra_behavior="forbid")


def _read(value: Any, handler: ValidatorFunctionWrapHandler) -> TesseractReference:
    if isinstance(value, TesseractReference):
        return value
    if not isinstance(value, Mapping) and callable(getattr(value, "apply", None)):
        return TesseractReference(value)
    document = handler(value)
    with as_validation_error():
        return TesseractReference(ADDRESS_CHECKS[document["type"]](document["ref"]))


def _written(reference: TesseractReference, info: SerializationInfo) -> Any:
    if not info.mode_is_json():
        return reference
    try:
        return reference.reference
    except TesseractRuntimeError as error:
        documents.keep_failure(error, info.context)
        raise
