# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""List the binary convolutions and units that are measured, and make operations of them."""

from collections.abc import Sequence
from math import prod
from typing import NamedTuple

import torch
from torch import Tensor

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


class Layer(NamedTuple):
    """
    Define the shape of a binary convolution.

    :param kernel: 1 or 3.
    :param height: Of the input, like width.
    :param stride: 1 or 2.
    """

    kernel: int
    in_channels: int
    out_channels: int
    height: int
    width: int
    stride: int = 1

    @property
    def name(self) -> str:
        """Return its name on the command line and in tables."""
        return f'{self.kernel}x{self.kernel}-{self.in_channels}-{self.out_channels}@{self.shape}'

    @property
    def shape(self) -> str:
        """Return the size of the input, and the stride if it is not 1."""
        return f'{self.height}x{self.width}' + ('/2' if self.stride == 2 else '')

    @property
    def out_shape(self) -> tuple[int, int, int, int]:
        """Return batch, rows, columns and channels of the output."""
        rows, columns = (-(-size // self.stride) for size in (self.height, self.width))
        return 1, rows, columns, self.out_channels

    @property
    def macs(self) -> int:
        """Return the products of a bit and a bit, padding counted as if it were image."""
        return self.kernel ** 2 * self.in_channels * prod(self.out_shape)


# the shapes of which other engines' times are known, then the rest of BDC-B and nano
LAYERS = (
    Layer(3, 256, 256, 100, 100), Layer(3, 512, 512, 50, 50), Layer(1, 256, 256, 200, 200),
    Layer(3, 512, 512, 25, 25), Layer(3, 256, 256, 50, 50), Layer(3, 128, 128, 100, 100),
    Layer(3, 64, 64, 200, 200), Layer(3, 64, 64, 200, 200, 2), Layer(3, 128, 128, 100, 100, 2),
    Layer(3, 128, 128, 50, 50), Layer(3, 256, 256, 25, 25), Layer(3, 512, 512, 100, 100),
    Layer(3, 256, 256, 200, 200), Layer(1, 64, 128, 100, 100), Layer(1, 128, 128, 100, 100),
    Layer(1, 128, 256, 50, 50), Layer(1, 256, 256, 50, 50), Layer(1, 512, 512, 25, 25),
    Layer(1, 256, 256, 100, 100), Layer(1, 512, 512, 100, 100))


class UnitShape(NamedTuple):
    """
    Define the shape of a BDC unit.

    :param height: Of the input, like width.
    :param stride: 1 or 2.
    """

    in_channels: int
    out_channels: int
    height: int
    width: int
    stride: int = 1

    @property
    def layers(self) -> tuple[Layer, Layer]:
        """Return its two convolutions."""
        spatial = Layer(3, self.in_channels, self.in_channels, self.height, self.width,
                        self.stride)
        return spatial, Layer(1, self.in_channels, self.out_channels, *spatial.out_shape[1:3])

    @property
    def name(self) -> str:
        """Return its name on the command line."""
        return f'unit-{self.in_channels}-{self.out_channels}@{self.layers[0].shape}'


UNITS = (
    UnitShape(64, 64, 100, 100), UnitShape(64, 128, 200, 200, 2), UnitShape(128, 128, 100, 100),
    UnitShape(128, 256, 100, 100, 2), UnitShape(256, 256, 50, 50), UnitShape(512, 512, 25, 25),
    UnitShape(256, 256, 100, 100), UnitShape(512, 512, 100, 100), UnitShape(256, 256, 200, 200))


class LayerData(NamedTuple):
    """
    Hold the seeded input and weights of a layer.

    :param real: (1, Ci, H, W) float32, channels last.
    :param bits: The signs of it.
    :param weight: (Co, Ci, k, k) float32 of -1 and +1, on the CPU.
    """

    real: Tensor
    bits: Map
    weight: Tensor


def seeded_data(layer: Layer, seed: int = 0, device: torch.device | str = 'cpu') -> LayerData:
    """
    Draw the input and the weights of a layer.

    :param device: Of the input, and of what is computed from it.
    """
    generator = torch.Generator().manual_seed(seed)
    real = torch.randn((1, layer.height, layer.width, layer.in_channels), generator=generator)
    bits = _bit_map(real.shape, device)
    bits.buffer.tensor[:, 1:-1, 1:-1] = pack_bits(real >= 0).to(device)
    weight = torch.randint(2, (layer.out_channels, layer.in_channels, layer.kernel, layer.kernel),
                           generator=generator) * 2 - 1
    return LayerData(real.to(device).permute(0, 3, 1, 2), bits, weight.float())


def bits_layer(layer: Layer, data: LayerData, source: Map | None = None) -> list[Operation]:
    """
    Return a convolution from bits to bits, the signs of its integers.

    :param source: Its input, or None for that of the data.
    """
    channels, device = layer.out_channels, data.real.device
    sign = IntegerSign(torch.zeros(channels, dtype=torch.int32),
                       torch.full((channels,), NEVER, dtype=torch.int32), _no_flip(channels))
    return [Convolution(source or data.bits, pack_weights(data.weight).to(device), layer.stride,
                        bits_of_integer=_bit_map(layer.out_shape, device), integer_sign=sign)]


def packing_layer(layer: Layer, data: LayerData) -> list[Operation]:
    """Return the same behind the packing of its float input."""
    pack = Pack(real_map(data.real.permute(0, 2, 3, 1)), data.bits, _sign(layer.in_channels))
    return [pack, *bits_layer(layer, data)]


def stream_layer(layer: Layer, data: LayerData, *, is_end_of_unit: bool) -> list[Operation]:
    """
    Return a convolution from bits through scale, offset and RPReLU to a bfloat16 map.

    :param is_end_of_unit: Whether gate, shortcut and signs follow in the same pass.
    """
    channels = layer.out_channels

    def stream() -> Map:
        return real_map(torch.zeros(layer.out_shape, dtype=torch.bfloat16))

    rest = {'gate': torch.full((1, channels), 0.5), 'shortcut': stream(),
            'bits': _bit_map(layer.out_shape), 'sign': _sign(channels)} if is_end_of_unit else {}
    epilogue = Epilogue(
        torch.full((channels,), 0.01), torch.full((channels,), 0.1),
        Activation(torch.zeros(channels), torch.full((channels,), 0.25), torch.zeros(channels)),
        output=stream(), **rest)
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
        operations += bits_layer(layer, drawn, source)
        source = operations[-1].bits_of_integer
    integers = torch.empty(layers[-1].out_shape, dtype=torch.int16)
    operations.append(Convolution(source, pack_weights(data[-1].weight), layers[-1].stride,
                                  integers=real_map(integers)))
    return operations, integers


def real_map(tensor: Tensor) -> Map:
    """Return a map of real numbers, (N, H, W, C)."""
    return Map(Buffer(tuple(tensor.shape), tensor=tensor))


def _bit_map(shape: Sequence[int], device: torch.device | str = 'cpu') -> Map:
    return Map(Buffer(tuple(shape), True, bit_map(*shape).to(device)))


def _no_flip(channels: int) -> Tensor:
    return torch.zeros(words(channels), dtype=torch.int32)


def _sign(channels: int) -> Sign:
    return Sign(torch.zeros(channels), _no_flip(channels))
