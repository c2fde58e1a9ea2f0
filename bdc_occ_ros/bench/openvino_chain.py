# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
A chain of OpenVINO's BinaryConvolution, run in a process of its own and asked over its pipes.

FakeQuantize with two levels, 0 and 1, packs; between two binary convolutions OpenVINO then keeps
bits. The measured layer stands once in the chain, or three times where its shape allows that, and
is followed by a 1x1 convolution that turns bits into numbers, so that the measured ones read and
write bits. The time of a node is that of OpenVINO's own profiler. Weights are bits, least
significant first, in memory that must outlive the model; padding with value 0 skips taps.

Every line of standard input is a request. The path of an .npz file with real, weights_0, ... and
strides makes a chain, whose result is written beside it as .npy; an empty line runs the chain. The
answer is the milliseconds of the quickest measured layer in that run.
"""

from collections.abc import Sequence
from pathlib import Path
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray


class BinaryChain:
    """
    A compiled chain.

    :param weights: (Co, Ci, k, k) of 0 and 1, per layer; all but the last are measured.
    :param real: (1, Ci, H, W) float32.
    """

    def __init__(self, weights: Sequence[NDArray[np.uint8]], strides: Sequence[int],
                 real: NDArray[np.float32], threads: int) -> None:
        import openvino
        self._bits = [np.packbits(weight, bitorder='little') for weight in weights]
        model = _model(openvino, [weight.shape for weight in weights], self._bits, strides,
                       real.shape)
        compiled = openvino.Core().compile_model(model, 'CPU', {
            'INFERENCE_NUM_THREADS': threads, 'NUM_STREAMS': 1, 'PERF_COUNT': True,
            'INFERENCE_PRECISION_HINT': 'f32'})
        self._request = compiled.create_infer_request()
        self._real = real

    def run(self) -> float:
        """Return the milliseconds of the quickest measured layer."""
        self._request.infer({0: self._real})
        times = [node.real_time.total_seconds() * 1e3 for node in self._request.profiling_info
                 if node.node_type == 'BinaryConvolution']
        return min(times[:-1])

    def result(self) -> NDArray[np.float32]:
        """Return what the chain computed, (1, Co, H', W')."""
        return self._request.get_output_tensor(0).data


def _model(openvino: Any, shapes: Sequence[Sequence[int]], bits: Sequence[NDArray[np.uint8]],
           strides: Sequence[int], in_shape: Sequence[int]) -> Any:
    """Build the graph."""
    from openvino import opset1, opset8
    low, high, threshold = (opset8.constant(np.float32(value)) for value in (0.0, 1.0, -0.5))
    zero = opset8.constant(np.float32(0.0))
    parameter = opset8.parameter(list(in_shape), openvino.Type.f32)
    value = opset8.fake_quantize(parameter, zero, zero, low, high, 2)
    for index, (shape, packed, stride) in enumerate(zip(shapes, bits, strides)):
        if index:
            value = opset8.fake_quantize(value, threshold, threshold, low, high, 2)
        filters = openvino.op.Constant(
            openvino.Tensor(packed, list(shape), openvino.Type.u1), shared_memory=True)
        pads = [shape[-1] // 2] * 2
        value = opset1.binary_convolution(
            value, filters, [stride] * 2, pads, pads, [1, 1], 'xnor-popcount', 0.0)
    return openvino.Model([value], [parameter], 'chain')


def serve(threads: int) -> None:
    """Answer requests until standard input ends."""
    chain = None
    for line in sys.stdin:
        if path := line.strip():
            with np.load(path) as arrays:
                strides = arrays['strides'].tolist()
                weights = [arrays[f'weight_{index}'] for index in range(len(strides))]
                chain = BinaryChain(weights, strides, arrays['real'], threads)
        milliseconds = chain.run()
        if path:
            np.save(Path(path).with_suffix('.npy'), chain.result())
        print(milliseconds, flush=True)


if __name__ == '__main__':
    serve(int(sys.argv[1]))
