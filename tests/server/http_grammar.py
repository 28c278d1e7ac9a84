"""A grammar of HTTP/1.1 requests, right and wrong ones, and of ways to send them."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum, auto
from itertools import pairwise

Chance = random.Random

HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: localhost\r\n\r\n"
"""A request that lies in a well-framed body; no server may execute it."""


class End(Enum):
    """How a client behaves once it has sent everything."""

    READ = auto()
    HALF_CLOSE = auto()
    CLOSE = auto()
    RESET = auto()
    IGNORE = auto()


@dataclass(frozen=True, kw_only=True)
class Script:
    """What one client sends, in which packets, and its behaviour after them."""

    packets: Sequence[bytes]
    end: End


METHODS = ["GET", "POST", "POST"] * 12 + [
    *("HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "M-SEARCH", "PRI"),
    *("get", "GE T", "", "\0", "G\u00c9T", "X" * 300),
]
PATHS = ["/apply", "/apply", "/apply", "/jacobian", "/health", "/readyz", "/input_schema"]
TARGETS = PATHS * 6 + [
    *("/openapi.json", "/docs", "/plugins", "/", "//apply", "/apply/", "/%2e%2e/%2e%2e/etc/passwd"),
    *("/apply?run_id=fuzz", "/apply?run_id=%00", "/apply?run_id=../x", "/apply?" + "a=b&" * 500),
    *("http://evil.example/apply", "localhost:80", "*", "", "/\u00ff", "/a b", "/%", "/%ff", "/#x"),
    *("/" + "a" * 9_000, "/" + "a" * 70_000, "/apply\0", "http://[::1/apply", "///", "?", "/a\tb"),
]
VERSIONS = ["HTTP/1.1"] * 50 + [
    *("HTTP/1.0", "HTTP/1.0", "HTTP/0.9", "HTTP/2.0", "HTTP/1.2", "HTTP/11", "http/1.1", "", "X"),
]
HOSTS = ["Host: localhost"] * 40 + [
    *("Host: evil.example", "Host:", "Host: [::1", "Host: a\r\nHost: b", "X-None: 1", "Host: \0"),
]
FIELDS = [
    *("Accept: application/msgpack", "Accept: */*;q=0", "Accept: text/html", "Accept: ;;;,,,q="),
    *("Accept: " + ", ".join(["a/b;q=0.1"] * 500), "Accept: application/json+base64"),
    *("Content-Type: application/json", "Content-Type: application/msgpack", "Content-Type: /"),
    *("Content-Type: text/plain; charset=\u00ff", "Content-Encoding: gzip", "Content-Encoding:"),
    *("Connection: close", "Connection: keep-alive", "Connection: Upgrade", "Connection: ,;\t"),
    *("Upgrade: h2c\r\nConnection: Upgrade, HTTP2-Settings\r\nHTTP2-Settings: AAMAAABk",),
    *("Upgrade: websocket\r\nConnection: Upgrade", "Upgrade:", "Upgrade: TLS/1.0, HTTP/1.1"),
    "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
    *("Expect: 100-continue", "Expect: 100-continue", "Expect: something-else"),
    *("Request-Timeout: 1e-6", "Request-Timeout: 0.01", "Request-Timeout: nan", "Request-Timeout:"),
    *(
        "Tesseract-Parent-Run-Id: p",
        "Tesseract-Parent-Run-Id: ../p",
        "Authorization: Bearer \u00e9",
    ),
    *(
        "Origin: null",
        "Range: bytes=0-1",
        "Cookie: " + "a" * 8_000,
        "Traceparent: x",
        "TE: trailers",
    ),
    *("Forwarded: for=x", "X-Forwarded-Proto: gopher", "X-Forwarded-For: " + "1," * 100),
    *("X: " + "a" * 8_193, "X: " + "a" * 70_000, "\r\n".join(f"X-{n}: 1" for n in range(300))),
    *(
        "no colon",
        ": no name",
        "Space : x",
        " Folded: x",
        "X: a\r\n b",
        "X: \0",
        "X: a\rb",
        "X\0: b",
    ),
]
FRAMING_FIELDS = [
    *("Content-Length: -1", "Content-Length: +1", "Content-Length: 1_0", "Content-Length: 0x10"),
    *("Content-Length: 99999999999999999999", "Content-Length: 4, 4", "Content-Length:"),
    *(
        "Content-Length: 9999999999",
        "Content-Length: 5\r\nContent-Length: 6",
        "Content-Length: 1e3",
    ),
    *("Content-Length: \u00b2", "Transfer-Encoding: gzip", "Transfer-Encoding: chunked, chunked"),
    *("Transfer-Encoding: xchunked", "Transfer-Encoding: identity", "Transfer-Encoding:\tchunked"),
    *("Transfer-Encoding: gzip, chunked", "Transfer-Encoding : chunked", "Transfer-Encoding:"),
    "Transfer-Encoding: chunked\r\nContent-Length: 4",
]
BODIES = [
    *(b"", b'{"inputs": {"x": [1.0, 2.0]}}', b'{"inputs": {"x": [4.0]}}', b"{", b"[]", b"null"),
    *(b'{"inputs": {"x": [NaN, Infinity]}}', b'{"inputs": {"x": 1e999}}', b"\xff\xfe", b"\0" * 100),
    *(HIDDEN, b"[" * 5_000, b'{"inputs":' * 3_000, b"\x81\xa6inputs\x81\xa1x\x91\xcb" + b"\0" * 8),
    *(b'{"inputs": {"x": [[]' + b", []" * 5_000 + b"]}}", b"\xdf\xff\xff\xff\xff", b"\xc1"),
    *(b'{"inputs": {"x": [0' + b", 0" * 50_000 + b"]}}", b'{"inputs": {"\xed\xa0\x80": 1}}'),
    b'{"inputs": {%s}}' % b", ".join(b'"%d": 0' % n for n in range(2_000)),
    json.dumps({"inputs": {"x": [1.0]}, "jac_inputs": ["x"] * 50, "jac_outputs": ["y"]}).encode(),
]
STRANGERS = [
    *(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0", b"\x16\x03\x01\x02\0\x01\0\x01\xfc"),
    *(
        b"",
        b"\r\n" * 100,
        b"\0" * 1_000,
        b"\n",
        b"GET /health\r\n\r\n",
        b"SSH-2.0-x\r\n",
        b"\xff" * 99,
    ),
    *(b"GET " + b"/" * 100_000, b"X" * 100_000, b"GET / HTTP/1.1\r\n" + b"A: b\r\n" * 20_000),
]
"""Beginnings of other protocols, and invalid requests."""


def script(chance: Chance) -> Script:
    """Return the script of a random client."""
    stream = b"".join(request(chance) for _ in range(chance.choice([1, 1, 1, 2, 3, 20])))
    if chance.random() < 0.1:
        stream = chance.choice(STRANGERS)
    elif chance.random() < 0.3:
        stream = damaged(stream, chance)
    ends = chance.choices([*End], [60, 15, 10, 5, 10])
    return Script(packets=packets(stream, chance), end=ends[0])


def request(chance: Chance) -> bytes:
    """Return a request whose parts are drawn from the tables."""
    line = " ".join([chance.choice(METHODS), chance.choice(TARGETS), chance.choice(VERSIONS)])
    fields = chance.choices(FIELDS, k=chance.choice([0, 0, 0, 1, 2, 4]))
    lines = [line, chance.choice(HOSTS), *fields]
    head = "\r\n".join(lines).encode("latin-1")
    return chance.choice(FRAMINGS)(head, chance.choice(BODIES), chance)


def sized(head: bytes, body: bytes, chance: Chance) -> bytes:
    """Frame a body by its length."""
    return b"%b\r\nContent-Length: %d\r\n\r\n%b" % (head, len(body), body)


def chunked(head: bytes, body: bytes, chance: Chance) -> bytes:
    """Frame a body as chunks, with an extension and a trailer at times."""
    pieces = packets(body, chance)
    extension = chance.choice([b"", b"", b";a=b", b';a="' + b"b" * 1_000 + b'"'])
    chunks = [b"%x%b\r\n%b\r\n" % (len(piece), extension, piece) for piece in pieces if piece]
    trailer = chance.choice([b"", b"", b"X: y\r\n", b"Content-Length: 1\r\n"])
    return b"%b\r\nTransfer-Encoding: chunked\r\n\r\n%b0\r\n%b\r\n" % (
        head,
        b"".join(chunks),
        trailer,
    )


def bare(head: bytes, body: bytes, chance: Chance) -> bytes:
    """End a request with its head."""
    return head + b"\r\n\r\n"


def misframed(head: bytes, body: bytes, chance: Chance) -> bytes:
    """Give a body without a hidden request a wrong length."""
    field = chance.choice(FRAMING_FIELDS).encode("latin-1")
    return b"%b\r\n%b\r\n\r\n%b" % (head, field, body.replace(HIDDEN, b""))


def misnumbered(head: bytes, body: bytes, chance: Chance) -> bytes:
    """Give a body without a hidden request chunks of a wrong size."""
    sizes = [b"", b"-1", b"g", b"f" * 17, b"ffffffff", b"0x5", b" 5", b"5\n", b"1;" + b"x" * 20_000]
    content = body.replace(HIDDEN, b"")
    size = chance.choice(sizes)
    return b"%b\r\nTransfer-Encoding: chunked\r\n\r\n%b\r\n%b\r\n" % (head, size, content)


Framing = Callable[[bytes, bytes, Chance], bytes]
FRAMINGS: Sequence[Framing] = [sized] * 5 + [chunked] * 3 + [bare] * 3 + [misframed, misnumbered]


def damaged(stream: bytes, chance: Chance) -> bytes:
    """Return bytes of which a few are changed, removed or repeated, without hidden requests."""
    edited = bytearray(stream.replace(HIDDEN, b""))
    for _ in range(chance.choice([1, 1, 2, 8])):
        start = chance.randrange(len(edited) + 1)
        end = min(len(edited), start + chance.choice([0, 1, 1, 10, 1_000]))
        edited[start:end] = chance.choice(
            [b"", b"\r", b"\n", b"\0", b" ", b":", b"\xff", bytes(edited[start:end]) * 2]
        )
    return bytes(edited)


def packets(stream: bytes, chance: Chance) -> list[bytes]:
    """Cut bytes at a few random places; the beginning is cut more often."""
    ends = [chance.randrange(len(stream) + 1) for _ in range(chance.choice([0, 0, 1, 2, 5]))]
    ends += [
        chance.randrange(min(len(stream), 100) + 1) for _ in range(chance.choice([0, 0, 0, 3]))
    ]
    cuts = [0, *sorted(ends), len(stream)]
    return [stream[a:b] for a, b in pairwise(cuts)]
