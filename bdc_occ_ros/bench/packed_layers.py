# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A binary convolution as operations of the bit engine, on seeded bits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from bdc_occ_ros.bench.layers import Layer
from bdc_occ_ros.kernels.conventions import bit_map, NEVER, pack_bits, pack_weights, words
from bdc_occ_ros.kernels.operations import (
    Activation,
    Buffer,
    Convolution,
    Epilogue,
    IntegerSign,
    Map,
    Operation,
    Pack,
    Sign,
)


@dataclass(frozen=True, eq=False)
class LayerData:
    """
    Seeded input and weights of a layer.

    :param real: (1, Ci, H, W) float32, channels last.
    :param bits: The signs of it.
    :param weight: (Co, Ci, k, k) float32 of -1 and +1.
    """

    real: Tensor
    bits: Map
    weight: Tensor


def seeded_data(layer: Layer, seed: int = 0) -> LayerData:
    """
    Draw the input and the weights of a layer.

    :param seed: Seed.
    """
    generator = torch.Generator().manual_seed(seed)
    size = (layer.height, layer.width, layer.in_channels)
    real = torch.randn((1, *size), generator=generator)
    bits = _bit_map(*size)
    bits.buffer.tensor[:, 1:-1, 1:-1] = pack_bits(real >= 0)
    weight = torch.randint(2, (layer.out_channels, layer.in_channels, layer.kernel, layer.kernel),
                           generator=generator) * 2 - 1
    return LayerData(real.permute(0, 3, 1, 2), bits, weight.float())


def bits_layer(layer: Layer, data: LayerData) -> list[Operation]:
    """
    Return a convolution from bits to bits, the signs of its integers.

    :param data: Its input and weights.
    """
    channels = layer.out_channels
    sign = IntegerSign(torch.zeros(channels, dtype=torch.int32),
                       torch.full((channels,), NEVER, dtype=torch.int32), _no_flip(channels))
    return [Convolution(data.bits, pack_weights(data.weight), layer.stride,
                        bits_of_integer=_bit_map(*layer.out_size, channels), integer_sign=sign)]


def packing_layer(layer: Layer, data: LayerData) -> list[Operation]:
    """
    Return the same behind the packing of its float input.

    :param data: Its input and weights.
    """
    pack = Pack(_real_map(data.real.permute(0, 2, 3, 1)), data.bits, _sign(layer.in_channels))
    return [pack, *bits_layer(layer, data)]


def stream_layer(layer: Layer, data: LayerData) -> list[Operation]:
    """
    Return a convolution from bits through scale, offset and RPReLU to a bfloat16 map.

    :param data: Its input and weights.
    """
    epilogue = Epilogue(*_affine(layer.out_channels), _activation(layer.out_channels),
                        output=_stream(layer))
    return [Convolution(data.bits, pack_weights(data.weight), layer.stride, epilogue=epilogue)]


def residual_layer(layer: Layer, data: LayerData) -> list[Operation]:
    """
    Return the end of a unit: the same, gate, shortcut, bfloat16 map and signs in one pass.

    :param data: Its input and weights.
    """
    channels = layer.out_channels
    epilogue = Epilogue(
        *_affine(channels), _activation(channels), gate=torch.full((1, channels), 0.5),
        shortcut=_stream(layer), output=_stream(layer), bits=_bit_map(*layer.out_size, channels),
        sign=_sign(channels))
    return [Convolution(data.bits, pack_weights(data.weight), layer.stride, epilogue=epilogue)]


def chained_layers(layers: Sequence[Layer], data: Sequence[LayerData]
                   ) -> tuple[list[Operation], Tensor]:
    """
    Return layers in a row from bits to bits, the last one to integers.

    :param layers: Each fits the one before it.
    :param data: The input of the first and the weights of all.
    :return: Operations, and (1, H', W', Co) int16 that the last one writes.
    """
    operations: list[Operation] = []
    source = data[0].bits
    for layer, drawn in zip(layers[:-1], data):
        operations += bits_layer(layer, replace(drawn, bits=source))
        source = operations[-1].bits_of_integer
    integers = torch.empty((1, *layers[-1].out_size, layers[-1].out_channels), dtype=torch.int16)
    operations.append(Convolution(source, pack_weights(data[-1].weight), layers[-1].stride,
                                  integers=_real_map(integers)))
    return operations, integers


def _bit_map(height: int, width: int, channels: int) -> Map:
    size = (1, height, width, channels)
    return Map(Buffer(size, True, bit_map(*size)))


def _real_map(tensor: Tensor) -> Map:
    return Map(Buffer(tuple(tensor.shape), tensor=tensor))


def _stream(layer: Layer) -> Map:
    return _real_map(torch.zeros((1, *layer.out_size, layer.out_channels), dtype=torch.bfloat16))


def _no_flip(channels: int) -> Tensor:
    return torch.zeros(words(channels), dtype=torch.int32)


def _sign(channels: int) -> Sign:
    return Sign(torch.zeros(channels), _no_flip(channels))


def _affine(channels: int) -> tuple[Tensor, Tensor]:
    return torch.full((channels,), 0.01), torch.full((channels,), 0.1)


def _activation(channels: int) -> Activation:
    return Activation(torch.zeros(channels), torch.full((channels,), 0.25), torch.zeros(channels))
