"""Arrays of the package msgpack-numpy are read, and never unpickled."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import hypothesis.extra.numpy as npst
import msgpack
import msgpack_numpy
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings

from runtime_core.arrays.dtypes import DTYPES
from runtime_core.testing import Echo
from runtime_core.testing.memory import SLACK, resident_peak
from runtime_core.testing.samples import LAYOUTS, belongs_to_its_receiver, counted, special
from tests.msgpack.conftest import payload

ARRAYS = npst.arrays(
    npst.scalar_dtypes().filter(lambda dtype: dtype.newbyteorder("=").name in DTYPES),
    npst.array_shapes(min_dims=0, max_dims=5, min_side=0, max_side=3),
)


def written(**options: Any) -> Any:
    """Return a function that writes inputs with msgpack-numpy and options of msgpack."""

    def write(**inputs: Any) -> bytes:
        packed: bytes = msgpack.packb({"inputs": inputs}, default=msgpack_numpy.encode, **options)
        return packed

    return write


numpy_payload = written()


def named(**changes: Any) -> dict[str, Any]:
    """Return an array of two floats in the form of msgpack-numpy, with changes."""
    keys = {"nd": True, "type": "<f8", "kind": b"", "shape": [2], "data": bytes(16)}
    return {key: value for key, value in {**keys, **changes}.items() if value is not ...}


def reason(echo: Echo, array: Any) -> str:
    """Return the reason for a refused array."""
    return echo.refusal(payload(float64=array)).message


@given(array=ARRAYS)
@settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],  # an echo keeps no state
)
def test_arrays_are_read(echo: Echo, array: np.ndarray[Any, Any]) -> None:
    """Arrays of any data type, byte order, rank and size are read bit by bit."""
    name = array.dtype.newbyteorder("=").name
    back = getattr(echo.read(numpy_payload(**{name: array})), name)
    assert np.asarray(back).tobytes() == array.astype(array.dtype.newbyteorder("=")).tobytes()
    assert back.shape == array.shape


@pytest.mark.parametrize("dtype", DTYPES)
def test_scalars_are_read(echo: Echo, dtype: str) -> None:
    """Numpy scalars, which have their own form, are arrays of rank 0."""
    for value in special(dtype):
        back = getattr(echo.read(numpy_payload(**{dtype: value})), dtype)
        assert (type(back), back.tobytes()) == (type(value), value.tobytes())


@pytest.mark.parametrize("dtype", DTYPES)
def test_arrays_belong_to_the_author(echo: Echo, dtype: str) -> None:
    """`apply` receives writable, aligned and native arrays, also from big-endian ones."""
    for array in (counted(dtype, (3, 4)), LAYOUTS["big-endian"](counted(dtype, (3, 4)))):
        back = getattr(echo.read(numpy_payload(**{dtype: array})), dtype)
        assert belongs_to_its_receiver(back)
        assert np.array_equal(back, array)


@pytest.mark.parametrize("key", [str, str.encode], ids=["texts", "bytes"])
def test_keys_are_texts_or_bytes(echo: Echo, key: Any) -> None:
    """The keys of an array may be strings or bytes; msgpack-numpy writes bytes."""
    array = {key(name): value for name, value in named().items()}
    assert echo.read(payload(float64=array)).float64.tolist() == [0, 0]


def test_data_as_text_are_refused(echo: Echo) -> None:
    """The old form with bytes as strings is refused."""
    echo.refusal(written(use_bin_type=False)(float64=np.arange(2.0)))


def test_arrays_are_cast_as_all_others(echo: Echo) -> None:
    """Casts follow the usual rules."""
    assert echo.read(numpy_payload(float64=np.arange(2, dtype=">i2"))).float64.tolist() == [0, 1]
    fault = echo.refusal(numpy_payload(int8=np.arange(2.0)))
    assert fault.details[0]["type"] == "array_dtype_mismatch"


def test_nested_arrays_are_read(echo: Echo) -> None:
    """Arrays in lists and maps are read too."""
    item = {"values": np.arange(2.0), "note": "a"}
    inputs = echo.read(numpy_payload(items=[item], many=[np.float64(1), np.ones((2, 2))]))
    assert inputs.items[0].values.tolist() == [0, 1]
    assert [array.shape for array in inputs.many] == [(), (2, 2)]


class Mischief:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        """Return the call that unpickling would make."""
        return os.mkdir, (str(self._path),)


def test_objects_are_refused_and_not_unpickled(echo: Echo, tmp_path: Path) -> None:
    """An array of objects is a pickle, and is not executed."""
    path = tmp_path / "mischief"
    document = numpy_payload(float64=np.array([Mischief(path)], dtype=object))
    assert b"mkdir" in document
    message = echo.refusal(document).message
    assert message == (
        "The payload is not valid msgpack: an array of msgpack-numpy of kind 'O' is refused"
    )
    assert not path.exists()
    msgpack_numpy.unpackb(document)
    assert path.exists()


@pytest.mark.parametrize("kind", [b"O", "O", b"V", "V", b"x", "\N{GREEK SMALL LETTER ALPHA}"])
def test_other_kinds_are_refused_by_name(echo: Echo, kind: Any) -> None:
    """Arrays of objects and of structured types are refused, as text or bytes."""
    name = kind if isinstance(kind, str) else kind.decode()
    assert reason(echo, named(kind=kind)) == (
        f"The payload is not valid msgpack: an array of msgpack-numpy of kind {name!r} is refused"
    )


def test_structured_arrays_are_refused(echo: Echo) -> None:
    """A structured array written by the package is refused."""
    array = np.zeros(2, dtype=[("a", "f8"), ("b", "i4")])
    assert "is refused" in echo.refusal(numpy_payload(float64=array)).message


def test_complex_numbers_of_python_are_refused(echo: Echo) -> None:
    """A complex number of Python, another map of msgpack-numpy, is refused."""
    echo.refusal(numpy_payload(complex128=1 + 2j))


@pytest.mark.parametrize(
    "changes",
    [
        {"type": ...},
        {"type": 8},
        {"type": None},
        {"type": "nonsense"},
        {"type": "f8,f8"},
        {"type": "(2,2)f8"},
        {"type": "|O"},
        {"type": "<U4"},
        {"type": "<f16"},
        {"type": "<M8[s]"},
        {"type": [["a", "<f8"]]},
        {"type": "f8" * 10_000},
        {"shape": ...},
        {"shape": 2},
        {"shape": None},
        {"shape": [3]},
        {"shape": [-2]},
        {"shape": [2**62, 4]},
        {"shape": {"2": 2}},
        {"shape": "2"},
        {"shape": [1] * 64 + [2]},
        {"data": bytes(15)},
        {"data": b""},
        {"data": "text"},
        {"data": ...},
        {"data": None},
        {"kind": 5},
        {"kind": None},
        {"kind": b"\xff"},
        {"kind": []},
        {"order": "C"},
    ],
    ids=lambda changes: str(changes)[:40],
)
def test_damaged_arrays_are_refused(echo: Echo, changes: dict[str, Any]) -> None:
    """Incomplete or inconsistent arrays are refused with one clear sentence."""
    echo.refusal(payload(float64=named(**changes)))


def test_huge_kinds_take_no_memory(echo: Echo) -> None:
    """A number as the kind is not used as a length."""
    document = payload(float64=named(kind=60_000_000))
    assert resident_peak(lambda: echo.reply(document)) < SLACK


def test_an_array_of_a_plain_field_is_refused(echo: Echo) -> None:
    """An array in another field is refused like any other value."""
    echo.refusal(numpy_payload(text=np.arange(2.0)))
    echo.refusal(numpy_payload(anything={"a": np.arange(2.0)}))


def test_maps_that_only_look_like_it_are_kept(echo: Echo) -> None:
    """A map with some of the keys but no bytes is unchanged."""
    for tree in ({"nd": True}, {"nd": 1, "data": [1]}, {"nd": "x", "type": "y", "more": 0}):
        assert echo.read(payload(anything=tree)).anything == tree
