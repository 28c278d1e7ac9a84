"""Where another Tesseract is, and who may name it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any

from runtime_core.calls import scope
from runtime_core.catalog import install_command
from runtime_core.errors import FileRefused, InvalidResult, MissingFile, PluginFault
from tesseract_runtime_authoring.path_root import INPUTS, quoted


@dataclass(frozen=True, kw_only=True)
class Address:
    """Where a Tesseract is: as a document says it, and what its client is made with."""

    type: str
    ref: str
    options: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def client(self) -> Any:
        """Return a client; `PluginFault` says what to install when there is no package for it."""
        return _OPENERS[self.type](self)


def checked_address(type_: str, ref: str) -> Address:
    """Return the address that a document names, if whoever sent it may reach it.

    Raises `FileRefused` for what they may not, and `MissingFile` for a file that is not there.
    """
    return _CHECKS[type_](ref)


def address_of(tesseract: Any) -> Address:
    """Return the address of a client, which has it as its `reference`.

    Raises `InvalidResult` for a client that has none, and what the client says of it.
    """
    if isinstance(tesseract, Address):
        return tesseract
    document = getattr(tesseract, "reference", None)
    if not isinstance(document, Mapping):
        raise InvalidResult(
            f"A reference to {tesseract!r} cannot be written: its client has no `reference`, which "
            "is {'type': 'url', 'ref': ...} or the same with 'api_path'."
        )
    return Address(type=document["type"], ref=document["ref"])


def _url(ref: str) -> Address:
    if not ref.startswith(("http://", "https://")):
        raise FileRefused(
            f"{quoted(ref)} is no URL of a Tesseract: that begins with http:// or https://."
        )
    scope.current().files.require_url(ref.rstrip("/") + "/")
    return Address(type="url", ref=ref)


def _api_path(ref: str) -> Address:
    current = scope.current()
    if current.files.confined:
        raise FileRefused(
            f"{quoted(ref)} is not opened: a remote caller names a Tesseract by its URL, with the "
            "type 'url'."
        )
    path = current.files.resolve(ref)
    if not path.is_file():
        raise MissingFile(f"There is no Tesseract {quoted(ref)} in {INPUTS.place()}.")
    paths = {"input_path": current.config.input_path, "output_path": current.config.output_path}
    return Address(type="api_path", ref=str(path), options=paths)


def _image(ref: str) -> Address:
    raise FileRefused(
        f"The image {quoted(ref)} is not started: a Tesseract starts no containers. Serve it and "
        "name its URL, with the type 'url'."
    )


_CHECKS: Mapping[str, Callable[[str], Address]] = MappingProxyType(
    {"url": _url, "api_path": _api_path, "image": _image}
)


def _opened_url(address: Address) -> Any:
    return _client_class().from_url(address.ref)


def _opened_file(address: Address) -> Any:
    return _client_class().from_api(address.ref, **address.options)


_OPENERS: Mapping[str, Callable[[Address], Any]] = MappingProxyType(
    {"url": _opened_url, "api_path": _opened_file}
)


def _client_class() -> Any:
    try:
        from tesseract_runtime_client import Tesseract  # only those who call others need it
    except ModuleNotFoundError as error:
        if error.name != "tesseract_runtime_client":
            raise
        raise PluginFault(
            "A TesseractReference is called by a client, which is not installed. Install it "
            f"with: {install_command('tesseract-runtime-client')}"
        ) from None
    return Tesseract
