"""Which gradient backend was asked for, by endpoint: the value of `--gradient-backend`."""

from __future__ import annotations

from collections.abc import Mapping

EVERY = "*"
"""The key of what is chosen for every endpoint that is not named."""

BackendChoice = Mapping[str, str]
"""The names of backends by endpoint."""


def parse_choice(value: object) -> dict[str, str]:
    """Read `auto` or `jacobian=jax,vector_jacobian_product=derived`, or a mapping of the same.

    Raises `ValueError` for anything else. Endpoints may be written with dashes.

    >>> parse_choice("auto, jacobian=jax")
    {'*': 'auto', 'jacobian': 'jax'}
    """
    if isinstance(value, Mapping):
        pairs = [(str(endpoint), str(backend)) for endpoint, backend in value.items()]
    elif isinstance(value, str):
        pairs = [_pair(part) for part in value.split(",")]
    else:
        raise ValueError(f"expected text such as 'auto' or 'jacobian=jax', got {value!r:.60}")
    choice: dict[str, str] = {}
    for endpoint, backend in pairs:
        name = endpoint.strip().replace("-", "_")
        if not name or not backend.strip():
            raise ValueError("expected BACKEND or ENDPOINT=BACKEND, with commas between them")
        if name in choice:
            raise ValueError(f"{'all endpoints' if name == EVERY else name} named twice")
        choice[name] = backend.strip()
    return choice


def merged(weak: BackendChoice, strong: BackendChoice) -> BackendChoice:
    """Return the choice of two sources; a bare name of the stronger one hides the weaker one.

    >>> merged({"*": "auto", "jacobian": "jax"}, {"jacobian": "derived"})
    {'*': 'auto', 'jacobian': 'derived'}
    >>> merged({"jacobian": "jax"}, {"*": "native"})
    {'*': 'native'}
    """
    return strong if EVERY in strong else {**weak, **strong}


def _pair(part: str) -> tuple[str, str]:
    left, equals, right = part.partition("=")
    return (left, right) if equals else (EVERY, left)
