# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Run a convolution in onnxruntime on eight bits.

Signed weights with one scale per output channel, unsigned activations, eight bits in and out. Maps
come and go channels last, which is quickest for onnxruntime.
"""

import numpy as np
from numpy.typing import NDArray

from bdc_occ_ros.bench.int8 import session_options
from bdc_occ_ros.bench.layers import Layer, LayerData

IR_VERSION = 9
OPSETS = {'': 17, 'com.microsoft': 1}
ZERO_POINT = np.uint8(128)


class Int8Convolution:
    """
    Run a convolution of eight bits on drawn levels.

    :param data: Its weights.
    """

    def __init__(self, layer: Layer, data: LayerData, threads: int) -> None:
        from onnxruntime import InferenceSession
        in_shape = (1, layer.height, layer.width, layer.in_channels)
        session = InferenceSession(_model(layer, data, in_shape), session_options(threads),
                                   providers=['CPUExecutionProvider'])
        levels = np.random.default_rng(0).integers(0, 256, in_shape, dtype=np.uint8)
        self._binding = session.io_binding()
        self._binding.bind_cpu_input('levels', levels)
        self._binding.bind_output('result', 'cpu')
        self._session = session

    def __call__(self) -> None:
        """Run once."""
        self._session.run_with_iobinding(self._binding)

    def result(self) -> NDArray[np.uint8]:
        """Return what the last run computed, (1, H', W', Co)."""
        return self._binding.copy_outputs_to_cpu()[0]


def _model(layer: Layer, data: LayerData, in_shape: tuple[int, ...]) -> bytes:
    """Return an ONNX model of onnxruntime's own convolution, which takes maps channels last."""
    from onnx import helper, numpy_helper, TensorProto
    weights = np.rint(127 * data.weight.numpy()).astype(np.int8)
    weight_scales = np.full(layer.out_channels, 1 / 127, np.float32)
    out_scale = np.float32(2 * layer.kernel * layer.in_channels ** 0.5 / 128)
    constants = {
        'scale': np.float32(2 / 255), 'zero': ZERO_POINT, 'weights': weights,
        'weight_scales': weight_scales, 'weight_zeros': np.zeros(layer.out_channels, np.int8),
        'out_scale': out_scale, 'out_zero': ZERO_POINT}
    convolution = helper.make_node(
        'QLinearConv', ['levels', *constants], ['result'], domain='com.microsoft', channels_last=1,
        kernel_shape=[layer.kernel] * 2, strides=[layer.stride] * 2, pads=[layer.kernel // 2] * 4)
    levels, result = (helper.make_tensor_value_info(name, TensorProto.UINT8, shape)
                      for name, shape in (('levels', in_shape), ('result', layer.out_shape)))
    graph = helper.make_graph(
        [convolution], 'convolution', [levels], [result],
        [numpy_helper.from_array(np.asarray(value), name) for name, value in constants.items()])
    return helper.make_model(graph, ir_version=IR_VERSION, opset_imports=[
        helper.make_opsetid(*opset) for opset in OPSETS.items()]).SerializeToString()
