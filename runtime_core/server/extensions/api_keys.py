"""API keys: requests must carry `Authorization: Bearer KEY`."""

from __future__ import annotations

import hmac
import re
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path

from starlette.responses import Response

from runtime_core.contracts import Place, RequestHead, ServerContext, ServerParts
from runtime_core.errors import InvalidOption, MissingFile
from runtime_core.run_logs.run import is_run_id
from runtime_core.server.extensions.refusal import refusing
from runtime_core.server.headers import named_run_id
from runtime_core.server.responses import JsonResponse
from runtime_core.server.serve_options import ServeOptions

_TAKEN = "Run {run_id!r} was not first named with this key: name this run with another run_id."


def build(server: ServerContext) -> ServerParts:
    """Require one of the keys, if there are any, and for each run id the owner's who named it."""
    owners = {key.encode(): owner for key, owner in key_owners(server.options).items()}
    if not owners:
        return ServerParts()
    detail = "This service needs a key: send the header 'Authorization: Bearer KEY'."
    runs = server.run_owners
    challenge = {"WWW-Authenticate": "Bearer"}
    unauthorized = JsonResponse({"detail": detail}, status_code=401, headers=challenge)

    def refusal(request: RequestHead) -> Response | None:
        scheme, _, shown = request.fields.get("authorization", "").partition(" ")
        given = shown.strip().encode("utf-8", "replace")
        # All of them are compared, each in constant time.
        known = [owner for key, owner in owners.items() if hmac.compare_digest(given, key)]
        if scheme.lower() != "bearer" or not known:
            return unauthorized
        request.caller = known[0]
        run_id = named_run_id(request.query)
        if run_id is None or not is_run_id(run_id) or runs.admits(run_id, known[0]):
            return None
        return JsonResponse({"detail": _TAKEN.format(run_id=run_id)}, status_code=409)

    return ServerParts(layers=[refusing(server, Place.IDENTITY, refusal)])


def key_owners(options: ServeOptions) -> Mapping[str, str]:
    """Return the name of the owner of each key; `InvalidOption` if a key cannot be used.

    Keys of `--api-key` belong to `key-1`, `key-2`, ..., those of the file to the names in it.
    """
    owners = {key: f"key-{number}" for number, key in enumerate(options.api_key, start=1)}
    if options.api_key_file is not None:
        owners |= _owners_of_file(Path(options.api_key_file))
    for key in owners:
        if not key.strip() or not key.isascii() or not key.isprintable() or key != key.strip():
            raise InvalidOption(
                "An API key must be printable ASCII text, not empty, without blanks around it: "
                "HTTP cannot carry others. It comes from --api-key, --api-key-file or "
                "TESSERACT_API_KEY."
            )
    return owners


def _owners_of_file(path: Path) -> Mapping[str, str]:
    try:
        mode, text = path.stat().st_mode, path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise MissingFile(f"--api-key-file={str(path)!r} cannot be read: {error}") from None
    if mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InvalidOption(
            f"--api-key-file={str(path)!r} is open to other users: chmod 600 {path}"
        )
    owners = dict(_lines(path, text))
    if not owners:
        raise InvalidOption(f"--api-key-file={str(path)!r} has no key: write a line 'NAME KEY'.")
    return owners


def _lines(path: Path, text: str) -> Iterator[tuple[str, str]]:
    for number, line in enumerate(text.splitlines(), start=1):
        name, _, key = line.partition(" ")
        if not line.strip():
            continue
        if not _NAME.fullmatch(name) or not key:
            raise InvalidOption(
                f"--api-key-file={str(path)!r}, line {number}: expected 'NAME KEY', with a name "
                "of letters, digits, '_', '.' and '-'."
            )
        yield key, name


_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
