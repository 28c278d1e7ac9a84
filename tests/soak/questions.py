"""Calls of the soak, their right answers, and the errors that are documented."""

from __future__ import annotations

import base64
import json
import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgpack
import numpy as np

from tests.server.conftest import Answer, head


@dataclass(frozen=True, kw_only=True)
class Form:
    """Writes a vector into a payload and reads it from an answer."""

    media_type: str
    sizes: Sequence[int]
    write: Callable[[np.ndarray, float], bytes]
    read: Callable[[bytes], np.ndarray]


def payload(x: object, hold: float) -> dict[str, Any]:
    """Return the tree of a payload."""
    return {"inputs": {"x": x, "hold": hold}}


def array(x: np.ndarray, buffer: object, encoding: str) -> dict[str, Any]:
    """Return the tree of an array."""
    data = {"buffer": buffer, "encoding": encoding}
    return {"shape": list(x.shape), "dtype": "float64", "data": data}


def base64_text(x: np.ndarray) -> str:
    """Return the bytes of a vector as base64."""
    return base64.b64encode(x.data).decode()


FORMS = (
    Form(
        media_type="application/json",
        sizes=(16, 1000, 20_000),
        write=lambda x, hold: json.dumps(payload(x.tolist(), hold)).encode(),
        read=lambda body: np.array(json.loads(body)["y"]["data"]["buffer"]),
    ),
    Form(
        media_type="application/json+base64",
        sizes=(16, 8_000, 100_000, 1_000_000),
        write=lambda x, hold: json.dumps(
            payload(array(x, base64_text(x), "base64"), hold)
        ).encode(),
        read=lambda body: np.frombuffer(base64.b64decode(json.loads(body)["y"]["data"]["buffer"])),
    ),
    Form(
        media_type="application/msgpack",
        sizes=(16, 8_000, 100_000, 1_000_000),
        write=lambda x, hold: msgpack.packb(payload(array(x, x.tobytes(), "raw"), hold)),
        read=lambda body: np.frombuffer(msgpack.unpackb(body)["y"]["data"]["buffer"]),
    ),
)

ERRORS: Mapping[int, Sequence[str]] = {
    500: ("The worker process ended during the call (signal SIGKILL).",),
    503: ("The queue is full", "The bodies of waiting calls"),
    504: ("The call was stopped after 3 s.", "The call has computed for 1e-06 s"),
}
"""What a client may be told instead of its result."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """A call and its right answer."""

    form: Form
    x: np.ndarray
    body: bytes

    @property
    def headers(self) -> dict[str, str]:
        """The headers of the call."""
        return {"Content-Type": self.form.media_type, "Accept": self.form.media_type}

    @property
    def head(self) -> bytes:
        """The head of the request."""
        return head(Content_Length=len(self.body), **self.headers)

    def fault_of(self, answer: Answer) -> str | None:
        """Return the problem of an answer, if any."""
        if answer.status == 200:
            right = np.array_equal(self.form.read(answer.body), 2 * self.x)
            return None if right else f"a wrong answer for {self.x.size} numbers"
        return undocumented(answer)


def undocumented(answer: Answer) -> str | None:
    """Return an error that no client may be told, if an answer is one."""
    detail = str(answer.json().get("detail"))
    documented = any(detail.startswith(text) for text in ERRORS.get(answer.status, ()))
    return None if documented else f"{answer.status}: {detail}"


def question(chance: random.Random) -> Question:
    """Return a call of a random form and size; a few keep the GIL."""
    form = chance.choice(FORMS)
    x = np.random.default_rng(chance.getrandbits(32)).standard_normal(chance.choice(form.sizes))
    hold = chance.choices([0.0, 0.02], [90, 10])[0]
    return Question(form=form, x=x, body=form.write(x, hold))
