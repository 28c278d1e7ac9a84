"""Documents as safetensors (https://huggingface.co/docs/safetensors), readable by other programs.

Eight bytes with the size of a header in JSON, the header, and the bytes of all arrays. An array is
a tensor under its path, such as `inputs.weights`. The document without them is the text `tree` in
the metadata; a file that has none, of another program, is a payload whose inputs are its tensors.
"""

from typing import Any

from runtime_core.contracts import EncodedArray, Format
from runtime_core.documents import JsonDocumentCodec
from runtime_core.hookspecs import hookimpl

NAMES = {"bool": "BOOL"} | {
    f"{kind}{bits}": f"{letter}{bits}"
    for kind, letter in {"int": "I", "uint": "U", "float": "F"}.items()
    for bits in (8, 16, 32, 64)
}
"""The names of data types; a complex array is one of floats whose last dimension is 2."""

COMPLEX = {"complex64": "F32", "complex128": "F64"}
DTYPES = {name: dtype for dtype, name in NAMES.items() if dtype != "float8"}
METADATA = "__metadata__"


class SafetensorsCodec:
    """Writes and reads trees; arrays are neither copied nor converted."""

    def dumps(self, tree: Any) -> list[Any]:
        """Return the header and the bytes of each array."""
        header: dict[str, Any] = {}
        buffers: list[Any] = []
        rest = _json(_without_arrays(tree, "", header, buffers))
        head = _json({METADATA: {"tree": rest.decode()}, **header})
        head += b" " * (-len(head) % 8)  # tensors begin at a multiple of their size
        return [len(head).to_bytes(8, "little"), head, *buffers]

    def loads(self, body: memoryview, limits: Any) -> Any:
        """Return the tree; `ValueError` for another kind of file."""
        size = int.from_bytes(body[:8], "little")
        if len(body) < 8 or size > len(body) - 8:
            raise ValueError("the header is cut off")
        header = JsonDocumentCodec().loads(body[8 : 8 + size], limits)
        if not isinstance(header, dict):
            raise ValueError("the header is not an object")
        metadata = header.pop(METADATA, {})
        data = body[8 + size :].cast("c")
        tensors = {name: _tensor(name, entry, data) for name, entry in header.items()}
        if sum(len(tensor["data"]["buffer"]) for tensor in tensors.values()) != len(data):
            raise ValueError("the tensors are not all of its bytes")
        if "tree" not in metadata:
            return {"inputs": _nested(tensors)}
        tree = JsonDocumentCodec().loads(memoryview(metadata["tree"].encode()), limits)
        return _with_arrays(tree, tensors)


def _json(tree: Any) -> bytes:
    return b"".join(JsonDocumentCodec().dumps(tree))


def _without_arrays(tree: Any, path: str, header: dict[str, Any], buffers: list[Any]) -> Any:
    """Return a tree with names for arrays, which are added to the header."""
    if isinstance(tree, EncodedArray):
        dtype, shape = tree.spec.dtype.name, [*tree.spec.shape]
        if dtype in COMPLEX:
            shape.append(2)
        name = _added(path, COMPLEX.get(dtype) or NAMES[dtype], shape, tree.buffer, header, buffers)
        return tree.document(name)
    if isinstance(tree, bytes | bytearray | memoryview):  # of an array that user code has made
        return _added(path, "U8", [memoryview(tree).nbytes], tree, header, buffers)
    if isinstance(tree, dict):
        return {
            key: _without_arrays(value, f"{path}.{key}".strip("."), header, buffers)
            for key, value in tree.items()
        }
    if isinstance(tree, list | tuple):
        return [
            _without_arrays(value, f"{path}.[{place}]".strip("."), header, buffers)
            for place, value in enumerate(tree)
        ]
    return tree


def _added(
    name: str, dtype: str, shape: list[int], buffer: Any, header: dict[str, Any], buffers: list[Any]
) -> str:
    while name in header or name in ("", METADATA):
        name += "_"
    begin = next(reversed(header.values()))["data_offsets"][1] if header else 0
    offsets = [begin, begin + memoryview(buffer).nbytes]
    header[name] = {"dtype": dtype, "shape": shape, "data_offsets": offsets}
    buffers.append(buffer)
    return name


def _tensor(name: str, entry: Any, data: Any) -> dict[str, Any]:
    """Return the document of a tensor; its bytes are a view of the body."""
    try:
        dtype, shape, (begin, end) = entry["dtype"], entry["shape"], entry["data_offsets"]
        if not 0 <= begin <= end <= len(data):
            raise ValueError
        encoded = {"buffer": data[begin:end], "encoding": "raw"}
    except (KeyError, TypeError, ValueError):
        raise ValueError(f"tensor {name!r} is not described by its place in the file") from None
    if dtype not in DTYPES:
        raise ValueError(f"tensor {name!r} has the data type {dtype!r}; known: {', '.join(DTYPES)}")
    return {"shape": shape, "dtype": DTYPES[dtype], "data": encoded}


def _with_arrays(tree: Any, tensors: dict[str, Any]) -> Any:
    """Return a tree with the bytes of the tensors that it names."""
    if isinstance(tree, dict):
        data = tree.get("data")
        if isinstance(data, dict) and data.get("encoding") == "raw":
            name = data.get("buffer")  # what names no tensor is refused as a buffer
            tensor = tensors.get(name) if isinstance(name, str) else None
            return {**tree, "data": {**data, **tensor["data"]}} if tensor else tree
        return {key: _with_arrays(value, tensors) for key, value in tree.items()}
    return [_with_arrays(value, tensors) for value in tree] if isinstance(tree, list) else tree


def _nested(tensors: dict[str, Any]) -> dict[str, Any]:
    """Return tensors with names such as `layer.weights` as nested dicts."""
    tree: dict[str, Any] = {}
    for name, tensor in tensors.items():
        *parents, last = name.split(".")
        place = tree
        for parent in parents:
            place = place.setdefault(parent, {})
            if "data" in place:
                raise ValueError(f"{name!r} lies in a tensor")
        place[last] = tensor
    return tree


@hookimpl
def formats():
    """Provide the format."""
    yield Format(
        name="safetensors",
        summary="Arrays as named tensors, for programs that read safetensors.",
        media_types=("application/vnd.safetensors",),
        suffixes=(".safetensors",),
        array_encoding="raw",
        load=SafetensorsCodec,
    )
