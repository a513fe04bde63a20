"""What an ONNX file says of its network: what goes in and comes out. Standard library only.

OpenCV 4 runs such networks, but doesn't tell the names of their inputs nor their sizes, and lists
the outputs in an order of its own. The numbers below are those of onnx.proto, and of the wire
format of Protocol Buffers.
"""

from collections.abc import Iterator
from typing import NamedTuple

__all__ = ["Outline", "Tensor", "outline"]

FLOAT32 = 1
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


class Tensor(NamedTuple):
    """An input or output."""

    name: str
    kind: int
    """Its type of numbers; 1: float32."""
    shape: tuple[int, ...]
    """Lengths of its dimensions; 0: free."""


class Outline(NamedTuple):
    """What is known of a network without running it."""

    inputs: tuple[Tensor, ...]
    """Without those that are parameters with a value in the file."""
    outputs: tuple[Tensor, ...]
    elsewhere: bool
    """Whether parameters are in another file."""


def outline(data: bytes) -> Outline:
    """The outline of the ONNX file that has these bytes.

    Raises:
      ValueError: it is none, or not whole.
    """
    graphs = list(_messages(memoryview(data), 7))
    if not graphs:
        raise ValueError("there is no graph in it")
    graph = graphs[-1]
    known, elsewhere = set(), False
    for parameter in _messages(graph, 5):
        known.add(_text(parameter, 8))
        elsewhere |= _number(parameter, 14) == 1
    inputs, outputs = ([_tensor(one) for one in _messages(graph, number)] for number in (11, 12))
    return Outline(tuple(one for one in inputs if one.name not in known), tuple(outputs), elsewhere)


def _tensor(data: memoryview) -> Tensor:
    kind, shape = 0, []
    for form in _messages(data, 2):
        for tensor in _messages(form, 1):
            kind = _number(tensor, 1)
            for dimensions in _messages(tensor, 2):
                shape = [_number(one, 1) for one in _messages(dimensions, 1)]
    # -1, which some programs write for a free length, is 2⁶⁴ − 1 here.
    return Tensor(_text(data, 1), kind, tuple(0 if n >= 2**31 else n for n in shape))


def _messages(data: memoryview, number: int) -> Iterator[memoryview]:
    for key, value in _fields(data):
        if key == number and isinstance(value, memoryview):
            yield value


def _text(data: memoryview, number: int) -> str:
    found = ""
    for one in _messages(data, number):
        found = bytes(one).decode()
    return found


def _number(data: memoryview, number: int) -> int:
    found = 0
    for key, value in _fields(data):
        if key == number and isinstance(value, int):
            found = value
    return found


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    """(number, value) of each field of a message."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        kind = key & 7
        if kind == _VARINT:
            value, at = _varint(data, at)
            yield key >> 3, value
            continue
        if kind == _BYTES:
            size, at = _varint(data, at)
        elif kind in (_FIXED32, _FIXED64):
            size = 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"a field is of the unknown kind {kind}")
        if at + size > len(data):
            raise ValueError("it ends too early")
        yield key >> 3, data[at : at + size]
        at += size


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    """(number, where the next one begins)."""
    value = 0
    for shift in range(0, 70, 7):
        if at == len(data):
            raise ValueError("it ends too early")
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        if byte < 128:
            return value, at
    raise ValueError("a number is too long")
