# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
An ONNX graph whose tensors pass through eight bits between float operations.

onnxruntime recognizes an operation between DequantizeLinear and QuantizeLinear and computes it on
integers. Activations are unsigned with a zero point, weights signed with one scale per output
channel, biases 32 bits wide.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

OPSET = 17
IR_VERSION = 9
LEVELS = 255
MAX_WEIGHT = 127


@dataclass(frozen=True)
class Quantized:
    """
    A tensor that has passed through eight bits.

    :param name: Its float name in the graph.
    :param scale: Distance of two levels.
    :param zero_point: The level that stands for 0.
    """

    name: str
    scale: np.float32
    zero_point: np.uint8


class Int8Graph:
    """A graph under construction."""

    def __init__(self) -> None:
        from onnx import helper, numpy_helper
        self._helper = helper
        self._as_proto = numpy_helper.from_array
        self._nodes: list[Any] = []
        self._constants: list[Any] = []

    def add(self, operation: str, inputs: Sequence[str], name: str = '',
            **attributes: Any) -> str:
        """
        Append an operation with one output.

        :param inputs: Names of its inputs.
        :param name: Name of the node, for profiles.
        :return: Name of the output.
        """
        output = f'{operation}_{len(self._nodes)}'
        self._nodes.append(self._helper.make_node(
            operation, list(inputs), [output], name=f'{name}:{output}', **attributes))
        return output

    def constant(self, values: NDArray[Any]) -> str:
        """
        Append a constant.

        :return: Its name.
        """
        name = f'constant_{len(self._constants)}'
        self._constants.append(self._as_proto(values, name))
        return name

    def quantized(self, name: str, low: float, high: float) -> Quantized:
        """
        Let a float tensor pass through eight bits.

        :param low: Smallest value that is kept, at most 0.
        :param high: Largest value that is kept, at least 0.
        """
        scale = np.float32((high - low) / LEVELS or 1.0)
        zero_point = np.uint8(round(-low / float(scale)))
        return self.requantized(name, Quantized(name, scale, zero_point))

    def requantized(self, name: str, like: Quantized) -> Quantized:
        """
        Let a float tensor pass through the eight bits that another one passed through.

        :param like: Whose scale and zero point to take.
        """
        parameters = [self.constant(np.array(value)) for value in (like.scale, like.zero_point)]
        levels = self.add('QuantizeLinear', [name, *parameters])
        output = self.add('DequantizeLinear', [levels, *parameters])
        return Quantized(output, like.scale, like.zero_point)

    def weights(self, weight: NDArray[np.float32], bias: NDArray[np.float32],
                input_scale: np.float32) -> list[str]:
        """
        Append the constants of a convolution.

        :param weight: (Co, ...) float32.
        :param bias: (Co,) float32.
        :param input_scale: Scale of the convolution's input.
        :return: Names of weight and bias.
        """
        scale = np.abs(weight.reshape(len(weight), -1)).max(axis=1) / MAX_WEIGHT
        scale = np.where(scale > 0, scale, 1).astype(np.float32)
        per_channel = scale.reshape(-1, *(1,) * (weight.ndim - 1))
        bias_scale = scale * input_scale
        return [self._dequantized(np.rint(weight / per_channel).astype(np.int8), scale),
                self._dequantized(np.rint(bias / bias_scale).astype(np.int32), bias_scale)]

    def _dequantized(self, levels: NDArray[Any], scale: NDArray[np.float32]) -> str:
        names = [self.constant(values) for values in (levels, scale, np.zeros_like(
            levels, shape=scale.shape))]
        return self.add('DequantizeLinear', names, axis=0)

    def serialized(self, inputs: dict[str, Sequence[int]], outputs: dict[str, Sequence[int]],
                   dtype: type[np.generic] = np.float32) -> bytes:
        """
        Finish the graph.

        :param inputs: Shapes of inputs.
        :param outputs: Shapes of outputs.
        :param dtype: Type of both: float32, or uint8 for the eight bits themselves.
        :return: An ONNX model.
        """
        element = self._helper.np_dtype_to_tensor_dtype(np.dtype(dtype))

        def infos(shapes: dict[str, Sequence[int]]) -> list[Any]:
            return [self._helper.make_tensor_value_info(name, element, list(shape))
                    for name, shape in shapes.items()]

        graph = self._helper.make_graph(self._nodes, 'section', infos(inputs), infos(outputs),
                                        self._constants)
        return self._helper.make_model(
            graph, opset_imports=[self._helper.make_opsetid('', OPSET)],
            ir_version=IR_VERSION).SerializeToString()
