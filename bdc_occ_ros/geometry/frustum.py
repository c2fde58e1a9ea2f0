# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Define the camera frustum: image size, feature cells and depth bins."""

from dataclasses import dataclass, replace
import math
from typing import Literal

from bdc_occ_ros.errors import InvalidConfigError


@dataclass(frozen=True)
class ImageConfig:
    """
    Define the images that the network takes.

    :param channel_order: Order of the colour channels; the published networks take bgr.
    :param mean: Subtracted per channel, in that order, on the scale 0 to 255.
    :param std: Divisor per channel, in that order.
    """

    height_px: int
    width_px: int
    channel_order: Literal['rgb', 'bgr'] = 'rgb'
    mean: tuple[float, float, float] = (123.675, 116.28, 103.53)
    std: tuple[float, float, float] = (58.395, 57.12, 57.375)

    def __post_init__(self) -> None:
        if min(self.height_px, self.width_px) <= 0 or min(self.std) <= 0:
            raise InvalidConfigError(f'image: sizes and std must be positive; got {self}')

    def with_rows(self, height_px: int) -> 'ImageConfig':
        """Return the same images with another number of rows."""
        return replace(self, height_px=height_px)


@dataclass(frozen=True)
class DepthConfig:
    """
    Define the depths that a pixel may lie at.

    :param stop_m: End of the range; not itself a bin.
    :param step_m: Spacing of the uniform bins; fixes the number of bins in both spacings.
    :param spacing: uniform, or sid (spacing-increasing: uniform in the logarithm, ending one
        metre before stop_m).
    """

    start_m: float
    stop_m: float
    step_m: float
    spacing: Literal['uniform', 'sid'] = 'uniform'

    def __post_init__(self) -> None:
        if not 0 < self.start_m < self.stop_m - 1 or not 0 < self.step_m:
            raise InvalidConfigError(
                f'depth: 0 < start_m < stop_m - 1 and a positive step_m are needed; got {self}')

    @property
    def num_bins(self) -> int:
        """Return the number of depth bins."""
        return math.ceil(round((self.stop_m - self.start_m) / self.step_m, 6))

    def bins_m(self) -> tuple[float, ...]:
        """Return the depth of every bin, metres, increasing."""
        if self.spacing == 'uniform':
            return tuple(self.start_m + i * self.step_m for i in range(self.num_bins))
        growth = math.log((self.stop_m - 1) / self.start_m) / (self.num_bins - 1)
        return tuple(self.start_m * math.exp(i * growth) for i in range(self.num_bins))


@dataclass(frozen=True)
class Frustum:
    """
    Define the points where features of one camera may lie: feature cells times depth bins.

    :param feature_stride: Input pixels per cell of the image features.
    """

    image: ImageConfig
    feature_stride: int
    depth: DepthConfig

    def with_rows(self, height_px: int) -> 'Frustum':
        """Return the frustum of images with another number of rows."""
        return replace(self, image=self.image.with_rows(height_px))

    @property
    def size_step_px(self) -> int:
        """Return what image sizes must be multiples of: the strides of all features."""
        return math.lcm(16, 2 * self.feature_stride)

    @property
    def feature_shape(self) -> tuple[int, int]:
        """Return rows and columns of the image features."""
        return (self.image.height_px // self.feature_stride,
                self.image.width_px // self.feature_stride)
