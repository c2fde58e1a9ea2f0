# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Run chains of OpenVINO's BinaryConvolution.

FakeQuantize with two levels, 0 and 1, packs; between two binary convolutions OpenVINO then keeps
bits. The measured layer stands once in the chain, or three times where its shape allows that, and
is followed by a 1x1 convolution that turns bits into numbers, so that the measured ones read and
write bits. The time of a node is that of OpenVINO's own profiler. Weights are bits, least
significant first, in memory that must outlive the model; padding with value 0 skips taps.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bdc_occ_ros.bench.layers import Layer

REPEATS = 3


def layer_chain(layer: Layer) -> list[Layer]:
    """
    Return the chain in which a layer is measured.

    :param layer: The layer; it stands three times in the chain where its shape allows that.
    """
    keeps_shape = layer.in_channels == layer.out_channels and layer.stride == 1
    channels = layer.out_channels
    return [layer] * (REPEATS if keeps_shape else 1) + [
        Layer(1, channels, channels, *layer.out_shape[1:3])]


class BinaryChainRunner:
    """Run one chain at a time; OpenVINO reads its environment variables once per process."""

    def __init__(self, threads: int) -> None:
        self._settings = {'INFERENCE_NUM_THREADS': threads, 'NUM_STREAMS': 1, 'PERF_COUNT': True,
                          'INFERENCE_PRECISION_HINT': 'f32'}

    def load(self, chain: Sequence[Layer], weights: Sequence[NDArray[np.bool_]],
             real: NDArray[np.float32]) -> NDArray[np.float32]:
        """
        Make a chain and run it.

        :param chain: Layers in a row; all but the last are measured.
        :param weights: (Co, Ci, k, k) per layer, whether a weight is +1.
        :param real: Input of the first layer, (1, Ci, H, W).
        :return: What the chain computes, (1, H', W', Co), integers.
        """
        import openvino
        self._bits = [np.packbits(weight, bitorder='little') for weight in weights]
        model = _model(openvino, chain, self._bits, real.shape)
        compiled = openvino.Core().compile_model(model, 'CPU', self._settings)
        self._request, self._real = compiled.create_infer_request(), real
        self.run()
        return self._request.get_output_tensor(0).data.transpose(0, 2, 3, 1)

    def run(self) -> float:
        """Run the chain and return the milliseconds of its quickest measured layer."""
        self._request.infer({0: self._real})
        times = [node.real_time.total_seconds() * 1e3 for node in self._request.profiling_info
                 if node.node_type == 'BinaryConvolution']
        return min(times[:-1])


def _model(openvino: Any, chain: Sequence[Layer], bits: Sequence[NDArray[np.uint8]],
           in_shape: Sequence[int]) -> Any:
    from openvino import opset1, opset8
    low, high, threshold = (opset8.constant(np.float32(value)) for value in (0.0, 1.0, -0.5))
    parameter = opset8.parameter(list(in_shape), openvino.Type.f32)
    value = opset8.fake_quantize(parameter, low, low, low, high, 2)
    for index, (layer, packed) in enumerate(zip(chain, bits)):
        if index:
            value = opset8.fake_quantize(value, threshold, threshold, low, high, 2)
        shape = [layer.out_channels, layer.in_channels, layer.kernel, layer.kernel]
        filters = openvino.op.Constant(
            openvino.Tensor(packed, shape, openvino.Type.u1), shared_memory=True)
        pads = [layer.kernel // 2] * 2
        value = opset1.binary_convolution(
            value, filters, [layer.stride] * 2, pads, pads, [1, 1], 'xnor-popcount', 0.0)
    return openvino.Model([value], [parameter], 'chain')
