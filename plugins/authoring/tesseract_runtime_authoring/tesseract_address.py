"""The address of another Tesseract, and the rights to use it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from importlib import import_module
from operator import attrgetter
from types import MappingProxyType
from typing import Any

from runtime_core.calls import current_scope
from runtime_core.distributions import install_command
from runtime_core.errors import FileRefused, InvalidResult, MissingFile, PluginFault
from tesseract_runtime_authoring.path_root import INPUTS, quoted


@dataclass(frozen=True, kw_only=True)
class Address:
    """The address of a Tesseract as in a document, and the options of its client."""

    type: str
    ref: str
    options: Mapping[str, Any] = field(default_factory=dict, compare=False, repr=False)

    def client(self) -> Any:
        """Make a client; raises `PluginFault` when its package is not installed."""
        package, opener = OPENERS[self.type]
        try:
            module = import_module(package)  # few Tesseracts call others
        except ModuleNotFoundError as error:
            if error.name != package.partition(".")[0]:
                raise
            distribution = error.name.replace("_", "-")
            raise PluginFault(
                "A TesseractReference is called by a client, which is not installed. Install it "
                f"with: {install_command(distribution)}"
            ) from None
        return attrgetter(opener)(module)(self.ref, **self.options)


OPENERS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "api_path": ("tesseract_runtime_client", "Tesseract.from_api"),
        "url": ("tesseract_runtime_client", "Tesseract.from_url"),
        "umbridge": ("tesseract_runtime_umbridge.client", "UmbridgeModel"),
    }
)
"""The module of the client of an address, and what makes it, by the type of the address."""


def address_of(tesseract: Any) -> Address:
    """Return the address of a client, its `reference`; `InvalidResult` if it has none."""
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
    if not ref.startswith(("http://", "https://", "unix://")):
        raise FileRefused(
            f"{quoted(ref)} is not a valid URL of a Tesseract: it must begin with http://, "
            "https:// or unix://."
        )
    return _admitted("url", ref)


def _umbridge(ref: str) -> Address:
    if not ref.startswith(("http://", "https://")):
        raise FileRefused(
            f"{quoted(ref)} is not a valid URL of a model: it must begin with http:// or https://."
        )
    return _admitted("umbridge", ref)


def _admitted(type_: str, url: str) -> Address:
    current_scope().files.require_url(url.rstrip("/") + "/")
    return Address(type=type_, ref=url)


def _api_path(ref: str) -> Address:
    current = current_scope()
    if current.files.confined:
        raise FileRefused(
            f"{quoted(ref)} is not opened: a remote caller names a Tesseract by its URL, with the "
            "type 'url'."
        )
    path = current.files.resolve(ref)
    if not path.is_file():
        raise MissingFile(f"No Tesseract {quoted(ref)} in {INPUTS.place()}.")
    paths = {"input_path": current.config.input_path, "output_path": current.config.output_path}
    return Address(type="api_path", ref=str(path), options=paths)


def _image(ref: str) -> Address:
    raise FileRefused(
        f"The image {quoted(ref)} is not started: a Tesseract starts no containers. Serve it and "
        "name its URL, with the type 'url'."
    )


ADDRESS_CHECKS: Mapping[str, Callable[[str], Address]] = MappingProxyType(
    {"api_path": _api_path, "url": _url, "umbridge": _umbridge, "image": _image}
)
"""Makes the address of a document from its `ref`, by its `type`.

Raises `FileRefused` if the sender may not use it, and `MissingFile` for a missing file.
"""
