"""ONNX files with networks for optical flow that do no more than a test needs."""

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

SIZE = (64, 96)
BOTH = ("first", "second")

COLOURS = np.float32([[1, 2, 4, 0, 0, 0], [0, 0, 0, 1, 2, 4]])
"""Flow from the colours: dx of those of the first frame, dy of those of the second."""


def save(path, nodes, inputs, outputs, constants=(), opset=13, **keywords):
    """Writes a graph; `inputs`, `outputs`: (name, shape) or (name, shape, type) each."""

    def said(name, shape, kind=TensorProto.FLOAT):
        return helper.make_tensor_value_info(name, kind, shape)

    graph = helper.make_graph(
        nodes,
        "graph",
        [said(*one) for one in inputs],
        [said(*one) for one in outputs],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants],
    )
    opsets = [helper.make_opsetid("", opset)]
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path), **keywords)
    return str(path)


def frames(size=SIZE, names=BOTH):
    """Two inputs of [1, 3, height, width]."""
    return [(name, [1, 3, *size]) for name in names]


def linear(
    path, weights=COLOURS, size=SIZE, *, names=BOTH, order=("low", "flow"), more=(), inputs=None,
    **keywords,
):  # fmt: skip
    """Each pixel's flow is `weights` [2, 6] by its R, G, B in the first frame and in the second.

    Like RAFT as it is exported, it has a flow of an eighth of the size too.
    `more`: nodes that use "flow"; `order`: what comes out, "half" of them being half the flow.
    """
    weights = np.asarray(weights, np.float32).reshape(2, 6, 1, 1)
    eighth = [side // 8 if isinstance(side, int) else f"{side}/8" for side in size]
    shapes = {"low": [1, 2, *eighth]}
    nodes = [
        helper.make_node("Concat", list(names), ["both"], axis=1),
        helper.make_node("Conv", ["both", "weights"], ["flow"], kernel_shape=[1, 1]),
        helper.make_node("AveragePool", ["flow"], ["low"], kernel_shape=[8, 8], strides=[8, 8]),
        helper.make_node("Mul", ["flow", "two"], ["half"]),
        *more,
    ]
    return save(
        path,
        nodes,
        frames(size, names) if inputs is None else inputs,
        [(name, shapes.get(name, [1, 2, *size])) for name in order],
        [("weights", weights), ("two", np.float32([0.5]))],
        **keywords,
    )


def in_blocks(path):
    """A network of free size, whose flow is that of `linear`, averaged in blocks of 8 × 8 px."""
    back = helper.make_node(
        "ConvTranspose", ["low", "ones"], ["wide"], kernel_shape=[8, 8], strides=[8, 8], group=2
    )
    nodes = [
        helper.make_node("Concat", list(BOTH), ["both"], axis=1),
        helper.make_node("Conv", ["both", "weights"], ["flow"], kernel_shape=[1, 1]),
        helper.make_node("AveragePool", ["flow"], ["low"], kernel_shape=[8, 8], strides=[8, 8]),
        back,
    ]
    constants = [
        ("weights", COLOURS.reshape(2, 6, 1, 1)),
        ("ones", np.ones((2, 1, 8, 8), np.float32)),
    ]
    outputs = [("low", [1, 2, "h", "w"]), ("wide", [1, 2, "H", "W"])]
    return save(path, nodes, frames(("H", "W")), outputs, constants)
