# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Every kind of real-valued layer, written as operations on eight bits."""

from collections.abc import Callable
from dataclasses import dataclass
import operator
from typing import Any

import numpy as np
import torch
from torch import fx, nn
from torch.nn import functional

from bdc_occ_ros.errors import UnsupportedLayerError
from bdc_occ_ros.network.int8_graph import Int8Graph, Quantized
from bdc_occ_ros.network.int8_trace import Observed

TO_CHANNELS_FIRST = (0, 3, 1, 2)
TO_CHANNELS_LAST = (0, 2, 3, 1)
MAX_EXPONENT = 80.0  # exp stays finite in float32


@dataclass
class _Step:
    """
    A tensor of the section.

    :param name: Its float name before it passes through eight bits.
    :param is_integer: Whether it is computed on integers if it passes through eight bits at once.
    :param quantized: The tensor behind the eight bits, once somebody asked for it.
    """

    name: str
    is_integer: bool = True
    quantized: Quantized | None = None


class Int8Translation:
    """
    A traced module as an ONNX graph.

    :param traced: What int8_trace.trace returns.
    :param observed: What int8_trace.observe returns.
    :raises UnsupportedLayerError: if a layer has no translation.
    """

    def __init__(self, traced: fx.GraphModule, observed: dict[fx.Node, Observed]) -> None:
        self._modules = dict(traced.named_modules())
        self._observed = observed
        self._steps: dict[fx.Node, _Step] = {}
        self._graph = Int8Graph()
        self.inputs: dict[str, tuple[int, ...]] = {}
        self.outputs: dict[str, tuple[int, ...]] = {}
        for node in traced.graph.nodes:
            if node in observed and node.op != 'output':
                self._steps[node] = self._translate(node)
        results = next(node for node in traced.graph.nodes if node.op == 'output').args[0]
        for result in (results,) if isinstance(results, fx.Node) else results:
            self._add_output(result)
        self.model = self._graph.serialized(self.inputs, self.outputs)

    def _translate(self, node: fx.Node) -> _Step:
        """Append what computes a node."""
        if node.op == 'placeholder':
            return self._input(node)
        what: Any = node.target
        if node.op == 'call_module':
            what = type(self._modules[node.target])
        write = _WRITERS.get(what)
        if write is None:
            raise UnsupportedLayerError(
                f'eight bits: {node.name} is {what}, for which there is no translation; keep '
                'this part in float')
        return write(self, node)

    def _input(self, node: fx.Node) -> _Step:
        """Append an input; maps come channels last."""
        shape = tuple(self._observed[node].shape)
        name = node.name
        if len(shape) != 4:
            self.inputs[name] = shape
            return _Step(name)
        self.inputs[name] = tuple(shape[axis] for axis in TO_CHANNELS_LAST)
        return _Step(self._graph.add('Transpose', [name], perm=TO_CHANNELS_FIRST))

    def _add_output(self, node: fx.Node) -> None:
        """Declare an output; maps leave channels last."""
        step, shape = self._steps[node], tuple(self._observed[node].shape)
        name = self._through_8_bits(node).name if step.is_integer else step.name
        if len(shape) == 4:
            name = self._graph.add('Transpose', [name], perm=TO_CHANNELS_LAST)
            shape = tuple(shape[axis] for axis in TO_CHANNELS_LAST)
        self.outputs[name] = shape

    def _through_8_bits(self, node: fx.Node) -> Quantized:
        step, seen = self._steps[node], self._observed[node]
        if step.quantized is None:
            step.quantized = self._graph.quantized(step.name, seen.low, seen.high)
        return step.quantized

    def _unary(self, operation: str, node: fx.Node, is_integer: bool, *parameters: str,
               **attributes: Any) -> _Step:
        """Append an operation on the first argument."""
        source = self._through_8_bits(node.args[0])
        name = self._graph.add(operation, [source.name, *parameters], _path(node), **attributes)
        return _Step(name, is_integer)

    def _moved(self, operation: str, node: fx.Node, *parameters: str, **attributes: Any) -> _Step:
        """Append an operation that only moves or mixes levels and keeps their scale."""
        step = self._unary(operation, node, True, *parameters, **attributes)
        step.quantized = self._graph.requantized(step.name, self._through_8_bits(node.args[0]))
        return step

    def _convolution(self, node: fx.Node) -> _Step:
        layer: nn.Conv2d = self._modules[node.target]
        source = self._through_8_bits(node.args[0])
        parameters = self._graph.weights(*_weight_and_bias(layer), source.scale)
        return _Step(self._graph.add(
            'Conv', [source.name, *parameters], _path(node), kernel_shape=layer.kernel_size,
            strides=layer.stride, pads=[*layer.padding, *layer.padding], group=layer.groups,
            dilations=layer.dilation))

    def _relu(self, node: fx.Node) -> _Step:
        """Append nothing: eight bits that begin at 0 cut off what is below."""
        return _Step(self._steps[node.args[0]].name)

    def _max_pool(self, node: fx.Node) -> _Step:
        layer: nn.MaxPool2d = self._modules[node.target]
        sizes = {name: [getattr(layer, name)] * 2 for name in ('kernel_size', 'stride')}
        return self._moved('MaxPool', node, kernel_shape=sizes['kernel_size'],
                           strides=sizes['stride'], pads=[layer.padding] * 4)

    def _softplus(self, node: fx.Node) -> _Step:
        """Append log(1 + exp(x)), which onnxruntime computes in a quarter of Softplus' time."""
        if self._observed[node.args[0]].high > MAX_EXPONENT:
            return self._unary('Softplus', node, False)
        one = self._graph.constant(np.array(1, np.float32))
        exponential = self._unary('Exp', node, False).name
        path = _path(node)
        return _Step(self._graph.add('Log', [self._graph.add('Add', [exponential, one], path)],
                                     path), False)

    def _softmax(self, node: fx.Node) -> _Step:
        return self._unary('Softmax', node, False, axis=node.kwargs['dim'])

    def _add(self, node: fx.Node) -> _Step:
        names = [self._through_8_bits(argument).name for argument in node.args]
        return _Step(self._graph.add('Add', names, _path(node)))

    def _concat(self, node: fx.Node) -> _Step:
        names = [self._through_8_bits(argument).name for argument in node.args[0]]
        return _Step(self._graph.add('Concat', names, _path(node), axis=node.kwargs['dim']))

    def _same(self, node: fx.Node) -> _Step:
        return self._steps[node.args[0]]

    def _slice(self, node: fx.Node) -> _Step:
        shape, index = self._observed[node.args[0]].shape, node.args[1]
        bounds = [part.indices(size) for part, size in zip(index, shape)]
        starts, ends, _ = (np.array(values, np.int64) for values in zip(*bounds))
        axes = np.arange(len(bounds), dtype=np.int64)
        return self._moved('Slice', node, *map(self._graph.constant, (starts, ends, axes)))

    def _upsample(self, node: fx.Node) -> _Step:
        layer: nn.Upsample = self._modules[node.target]
        return self._resize(node, layer.mode, bool(layer.align_corners))

    def _interpolate(self, node: fx.Node) -> _Step:
        return self._resize(node, node.kwargs.get('mode', 'nearest'),
                            bool(node.kwargs.get('align_corners')))

    def _resize(self, node: fx.Node, mode: str, has_aligned_corners: bool) -> _Step:
        sizes = self._graph.constant(np.array(self._observed[node].shape, np.int64))
        nothing = ['', '']
        if mode == 'nearest':
            return self._moved('Resize', node, *nothing, sizes, mode='nearest',
                               nearest_mode='floor', coordinate_transformation_mode='asymmetric')
        corners = 'align_corners' if has_aligned_corners else 'half_pixel'
        return self._moved('Resize', node, *nothing, sizes, mode='linear',
                           coordinate_transformation_mode=corners)


def _path(node: fx.Node) -> str:
    """Return the path of the module in which a node lies."""
    return list(node.meta.get('nn_module_stack', ('',)))[-1]


def _weight_and_bias(layer: nn.Conv2d) -> tuple[np.ndarray, np.ndarray]:
    weight = layer.weight.detach().numpy()
    if layer.bias is None:
        return weight, np.zeros(len(weight), np.float32)
    return weight, layer.bias.detach().numpy()


_WRITERS: dict[Any, Callable[[Int8Translation, fx.Node], _Step]] = {
    nn.Conv2d: Int8Translation._convolution, nn.ReLU: Int8Translation._relu,
    nn.MaxPool2d: Int8Translation._max_pool, nn.Softplus: Int8Translation._softplus,
    nn.Upsample: Int8Translation._upsample, functional.interpolate: Int8Translation._interpolate,
    nn.Identity: Int8Translation._same, operator.add: Int8Translation._add,
    torch.cat: Int8Translation._concat, operator.getitem: Int8Translation._slice,
    'softmax': Int8Translation._softmax}
