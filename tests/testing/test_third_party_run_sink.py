"""The run sink of the documentation does what every run sink must do."""

from __future__ import annotations

import re

from tests.conftest import REPOSITORY
from tests.testing.conftest import Suite

PAGE = REPOSITORY / "docs" / "run_sinks.md"

READER = '''
import struct
from collections import defaultdict
from pathlib import Path

from tensorboardX.proto.event_pb2 import Event

TEXT = "/text_summary"

def events_of(run_id, target):
    """Return parameters, metrics and status of a run."""
    texts, metrics = {}, defaultdict(list)
    for path in sorted(Path(target.partition(":")[2], run_id).iterdir()):
        for value, step in values_of(path.read_bytes()):
            if value.tag.endswith(TEXT):
                texts[value.tag.removesuffix(TEXT)] = value.tensor.string_val[0].decode()
            else:
                metrics[value.tag].append((step, value.simple_value))
    status = texts.pop("status", None)
    return texts, metrics, status

def values_of(content):
    """Yield the values of a file of TFRecords: length, checksum, bytes, checksum."""
    while content:
        [length] = struct.unpack("<Q", content[:8])
        event = Event.FromString(content[12 : 12 + length])
        for value in event.summary.value:
            yield value, event.step
        content = content[16 + length :]
'''


def block_after(text: str, mark: str) -> str:
    """Return the block of code that begins with a line."""
    [block] = re.findall(rf"^```python\n({re.escape(mark)}.*?)^```$", text, re.M | re.S)
    assert isinstance(block, str)
    return block


def test_tensorboard_passes(suite: Suite) -> None:
    """The plugin of the page passes the tests of the page, in fewer than 80 lines."""
    page = PAGE.read_text(encoding="utf-8")
    plugin = block_after(page, "# acme-tensorboard/acme_tensorboard.py\n")
    assert len(plugin.splitlines()) < 80
    outcomes = suite(READER + block_after(page, "import pytest\n"), plugin=plugin)
    assert {name for name, outcome in outcomes.items() if outcome != "PASSED"} == set()
    assert len(outcomes) > 15
