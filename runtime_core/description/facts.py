"""The facts of a loaded Tesseract that its runs are recorded with."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from runtime_core.contracts import TesseractFacts
from runtime_core.executors.model_address import digest_of, versions
from runtime_core.runtime import Runtime
from runtime_core.secret_fields import secrets_of


def facts_of(runtime: Runtime, endpoints: Iterable[str]) -> TesseractFacts:
    """Return the facts of a Tesseract, with the secrets of some endpoints.

    The digest is empty if it has no file.
    """
    try:
        digest = digest_of(runtime.api.path)
    except OSError:
        digest = ""
    return TesseractFacts(
        digest=digest,
        versions=versions(runtime.catalog),
        secrets={name: _secrets(runtime.bound(name).payload) for name in endpoints},
    )


def _secrets(payload: object) -> Sequence[str] | None:
    found = secrets_of(payload)
    return None if found.whole else sorted(found.names)
