"""Values that JSON has no type for: dates, decimals, bytes, sets, and awkward keys of dicts."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

from pydantic import BaseModel
from tesseract_core.runtime import Array, Float64


class Plain(BaseModel):
    day: date = date(2024, 2, 29)
    time: datetime = datetime(2024, 2, 29, 12, 30)
    duration: timedelta = timedelta(minutes=90)
    price: Decimal = Decimal("0.10")
    raw: bytes = b"abc"
    number: UUID = UUID(int=1)
    labels: set[str] = {"a"}
    pair: tuple[int, str] = (1, "b")
    path: Path = Path("some/where")
    keyed: dict[str, Array[(None,), Float64]] = {}
    counted: dict[int, str] = {}
    big: int = 2**53 + 1
    anything: Any = None


class InputSchema(Plain):
    pass


class OutputSchema(Plain):
    types: dict[str, str]


def apply(inputs: InputSchema) -> OutputSchema:
    values = dict(inputs)
    types = {name: type(value).__name__ for name, value in values.items() if name != "path"}
    return OutputSchema(**values, types=types)
