"""The cost of an installed plugin that a command does not use."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from benchmarks.environments import Environments, runtime
from benchmarks.processes import run
from benchmarks.scratch_plugin import write_plugin
from benchmarks.study import OURS, Goal, Row, Study, Turn

_COUNT = 20
_PAIRS = 6
_COST = "processor time at start"

_MODULE = '''"""The hooks of this plugin."""

from __future__ import annotations

from collections.abc import Iterable

from runtime_core.contracts import Format, lazy_call
from runtime_core.hookspecs import hookimpl


@hookimpl
def formats() -> Iterable[Format]:
    """Provide the format."""
    yield Format(
        name="NAME",
        summary="A format that is not used.",
        media_types=("application/x-NAME",),
        suffixes=(".NAME",),
        array_encoding="raw",
        load=lazy_call("NAME.codec:Codec"),
    )
'''


@contextmanager
def _sides(environments: Environments) -> Iterator[Mapping[str, Turn]]:
    command = [runtime(environments.ours), "health"]
    with tempfile.TemporaryDirectory() as folder:
        for number in range(_COUNT):
            write_plugin(Path(folder), f"scratch{number}", _MODULE)
        more = {"PYTHONPATH": folder}
        run(command, more)  # compiles the modules

        def turn() -> dict[str, float]:
            pairs = [
                [run(command, variables).processor_seconds for variables in (more, {})]
                for _ in range(_PAIRS)
            ]
            with_plugins, without = (min(column) for column in zip(*pairs, strict=True))
            return {_COST: 1e3 * (with_plugins - without) / _COUNT}

        yield {OURS: turn}


PLUGINS = Study(
    name="Unused plugin",
    about=f"`health` with and without {_COUNT} installed plugins that it does not use: the "
    "difference for one.",
    rows=[Row(name=_COST, unit="ms", goals=[Goal(bound=0.5)])],
    sides=_sides,
    turns=5,
)
