# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""List the binary convolutions and units that are measured, those of BDC-B and of nano."""

from math import prod
from typing import NamedTuple


class Layer(NamedTuple):
    """
    A binary convolution.

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
        """How it is called on the command line and in tables."""
        return f'{self.kernel}x{self.kernel}-{self.in_channels}-{self.out_channels}@{self.shape}'

    @property
    def shape(self) -> str:
        """Size of the input and the stride if there is one."""
        return f'{self.height}x{self.width}' + ('/2' if self.stride == 2 else '')

    @property
    def out_shape(self) -> tuple[int, int, int, int]:
        """Batch, rows, columns and channels of the output."""
        rows, columns = (-(-size // self.stride) for size in (self.height, self.width))
        return 1, rows, columns, self.out_channels

    @property
    def macs(self) -> int:
        """Products of a bit and a bit, padding counted as if it were image."""
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
    A BDC unit.

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
        """Its two convolutions."""
        spatial = Layer(3, self.in_channels, self.in_channels, self.height, self.width,
                        self.stride)
        return spatial, Layer(1, self.in_channels, self.out_channels, *spatial.out_shape[1:3])

    @property
    def name(self) -> str:
        """How it is called on the command line."""
        return f'unit-{self.in_channels}-{self.out_channels}@{self.layers[0].shape}'


UNITS = (
    UnitShape(64, 64, 100, 100), UnitShape(64, 128, 200, 200, 2), UnitShape(128, 128, 100, 100),
    UnitShape(128, 256, 100, 100, 2), UnitShape(256, 256, 50, 50), UnitShape(512, 512, 25, 25),
    UnitShape(256, 256, 100, 100), UnitShape(512, 512, 100, 100), UnitShape(256, 256, 200, 200))
