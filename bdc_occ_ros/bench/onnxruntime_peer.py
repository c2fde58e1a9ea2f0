# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
onnxruntime on eight bits as a peer.

Signed weights with one static scale per output channel, unsigned activations, eight bits in and
out. Maps come and go channels last, which is quickest for onnxruntime: no transposition is
counted.
"""

import numpy as np
from numpy.typing import NDArray

from bdc_occ_ros.bench.packed_layers import Layer, LayerData
from bdc_occ_ros.network.int8_graph import Int8Graph
from bdc_occ_ros.network.int8_layers import TO_CHANNELS_FIRST, TO_CHANNELS_LAST
from bdc_occ_ros.network.int8_section import make_session, SessionSettings


class Int8Convolution:
    """
    A convolution of eight bits.

    :param data: Its weights, scaled; the input is drawn.
    """

    def __init__(self, layer: Layer, data: LayerData, threads: int) -> None:
        in_shape = (1, layer.height, layer.width, layer.in_channels)
        self._session = make_session(_model(layer, data, in_shape), SessionSettings(threads))
        levels = np.random.default_rng(0).integers(0, 256, in_shape, dtype=np.uint8)
        self._binding = self._session.io_binding()
        self._binding.bind_cpu_input('levels', levels)
        self._binding.bind_output(self._session.get_outputs()[0].name, 'cpu')

    def __call__(self) -> None:
        """Run once."""
        self._session.run_with_iobinding(self._binding)

    def result(self) -> NDArray[np.uint8]:
        """Return what the last run computed, (1, H', W', Co)."""
        return self._binding.copy_outputs_to_cpu()[0]


def _model(layer: Layer, data: LayerData, in_shape: tuple[int, int, int, int]) -> bytes:
    """Return one convolution between eight bits."""
    graph = Int8Graph()
    scale, zero_point = np.float32(2 / 255), np.uint8(128)
    parameters = [graph.constant(np.array(value)) for value in (scale, zero_point)]
    source = graph.add('Transpose', ['levels'], perm=TO_CHANNELS_FIRST)
    source = graph.add('DequantizeLinear', [source, *parameters])
    weights = graph.weights(data.weight.numpy(), np.zeros(layer.out_channels, np.float32), scale)
    result = graph.add('Conv', [source, *weights], kernel_shape=[layer.kernel] * 2,
                       strides=[layer.stride] * 2, pads=[layer.kernel // 2] * 4)
    width = np.float32(2 * layer.kernel * layer.in_channels ** 0.5 / 128)
    outgoing = [graph.constant(np.array(value)) for value in (width, zero_point)]
    result = graph.add('QuantizeLinear', [result, *outgoing])
    result = graph.add('Transpose', [result], perm=TO_CHANNELS_LAST)
    return graph.serialized({'levels': in_shape},
                            {result: (1, *layer.out_size, layer.out_channels)}, np.uint8)
