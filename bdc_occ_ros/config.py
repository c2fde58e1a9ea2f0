# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What a network is made of: plain frozen dataclasses, read from config/model_<name>.yaml.

Sizes, grids and switches live here and nowhere else. Two layouts of layers exist: the published
one (ResNet-50, image neck, BEV backbone and neck; FlashOcc, BEVDet and BDC are settings of it)
and the nano one for small computers.
"""

from dataclasses import dataclass
import math
from pathlib import Path
from typing import Any
from typing import Literal

from bdc_occ_ros.classes import DETECTION_CLASS_NAMES
from bdc_occ_ros.classes import FREE_LABEL
from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.config_limits import require_plausible_sizes
from bdc_occ_ros.datatypes import VoxelGrid
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.layer_config import NanoLayersConfig
from bdc_occ_ros.layer_config import PublishedLayersConfig
from bdc_occ_ros.share import share_path
from bdc_occ_ros.yaml_config import parse_dataclass
from bdc_occ_ros.yaml_config import read_config

MODEL_NAMES = ('flashocc_r50', 'bdc_occ_t', 'bdc_occ_b', 'bevdet_r50', 'bdc_det_t', 'bdc_occ_nano',
               'bdc_occ_nano_half')


@dataclass(frozen=True)
class ImageConfig:
    """
    What the network wants to see.

    :param height_px: Input rows.
    :param width_px: Input columns.
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


@dataclass(frozen=True)
class DepthConfig:
    """
    The depths that a pixel may lie at.

    :param start_m: First bin.
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
        """Number of depth bins."""
        return math.ceil(round((self.stop_m - self.start_m) / self.step_m, 6))

    def bins_m(self) -> tuple[float, ...]:
        """Return the depth of every bin, metres, increasing."""
        if self.spacing == 'uniform':
            return tuple(self.start_m + i * self.step_m for i in range(self.num_bins))
        growth = math.log((self.stop_m - 1) / self.start_m) / (self.num_bins - 1)
        return tuple(self.start_m * math.exp(i * growth) for i in range(self.num_bins))


@dataclass(frozen=True)
class BevConfig:
    """
    The bird's-eye grid that features are summed into, one slab high, in the ego frame.

    :param x_range_m: Rear and front end.
    :param y_range_m: Right and left end.
    :param z_range_m: Bottom and top of the slab.
    :param cell_size_m: Size of a cell, x y.
    """

    x_range_m: tuple[float, float]
    y_range_m: tuple[float, float]
    z_range_m: tuple[float, float]
    cell_size_m: tuple[float, float]

    def __post_init__(self) -> None:
        lower, upper = zip(self.x_range_m, self.y_range_m, self.z_range_m)
        if min(b - a for a, b in zip(lower, upper)) <= 0 or min(self.cell_size_m) <= 0:
            raise InvalidConfigError(f'bev: ranges and cells must be positive; got {self}')

    @property
    def shape(self) -> tuple[int, int]:
        """Rows (y) and columns (x) of the grid."""
        ranges = zip((self.y_range_m, self.x_range_m), reversed(self.cell_size_m))
        rows, columns = (round((stop - start) / size) for (start, stop), size in ranges)
        return rows, columns


@dataclass(frozen=True)
class OccupancyHeadConfig:
    """
    What the occupancy head returns.

    :param num_heights: Cells above each other within the slab.
    :param class_names: Name per label.
    :param free_label: The label of empty space.
    :param hidden_channels: Hidden layer of the predicter, published layout only.
    :param class_counts: How often each class occurs; the last layer's bias starts at the
        logarithm of these frequencies. None leaves the usual initialization.
    """

    num_heights: int = 16
    class_names: tuple[str, ...] = OCCUPANCY_CLASS_NAMES
    free_label: int = FREE_LABEL
    hidden_channels: int = 512
    class_counts: tuple[int, ...] | None = None

    def __post_init__(self) -> None:
        if not 0 <= self.free_label < self.num_classes:
            raise InvalidConfigError(
                f'occupancy: free_label {self.free_label} is none of {self.num_classes} classes')
        if self.class_counts is not None and (
                len(self.class_counts) != self.num_classes or min(self.class_counts) <= 0):
            raise InvalidConfigError(
                f'occupancy: class_counts needs {self.num_classes} positive numbers; got '
                f'{self.class_counts}')

    @property
    def num_classes(self) -> int:
        """Number of classes, free among them."""
        return len(self.class_names)


@dataclass(frozen=True)
class BoxHeadConfig:
    """
    What the box head returns and how its maps are decoded.

    :param class_names: Name per heatmap channel.
    :param stride: Size of a map cell in BEV cells.
    :param shared_channels: Channels before the map layers, published layout only.
    :param score_threshold: Boxes below are dropped.
    :param max_boxes: Highest-scoring candidates that are decoded, and boxes kept at the end.
    :param max_center_m: Boxes with a centre further from the origin are dropped, x y z.
    :param nms_overlap: Rotated overlap from which the weaker box is dropped.
    :param nms_size_factors: Per class, by what sizes are multiplied before the overlap is taken.
    """

    class_names: tuple[str, ...] = DETECTION_CLASS_NAMES
    stride: int = 1
    shared_channels: int = 64
    score_threshold: float = 0.1
    max_boxes: int = 500
    max_center_m: tuple[float, float, float] = (61.2, 61.2, 10.0)
    nms_overlap: float = 0.2
    nms_size_factors: tuple[float, ...] = (1.0, 0.7, 0.7, 0.4, 0.55, 1.1, 1.0, 1.0, 1.5, 3.5)

    def __post_init__(self) -> None:
        if len(self.nms_size_factors) != len(self.class_names) or self.stride < 1:
            raise InvalidConfigError(
                f'boxes: one nms_size_factors entry per class and stride >= 1 are needed; '
                f'got {self}')


@dataclass(frozen=True)
class NetworkConfig:
    """
    One network, from image size to heads.

    :param name: Name of the network.
    :param image: What goes in.
    :param feature_stride: Input pixels per cell of the image features.
    :param feature_channels: Channels of the image features and of the BEV features.
    :param context_channels: Channels that are lifted into the BEV grid.
    :param depth: Depth bins.
    :param bev: The grid they are summed into.
    :param published: Layers of the published layout, or None.
    :param nano: Layers of the nano layout, or None; exactly one of the two is given.
    :param occupancy: Occupancy head, or None.
    :param boxes: Box head, or None; at least one head is given.
    :raises InvalidConfigError: if the parts do not fit together.
    """

    name: str
    image: ImageConfig
    feature_stride: int
    feature_channels: int
    context_channels: int
    depth: DepthConfig
    bev: BevConfig
    published: PublishedLayersConfig | None = None
    nano: NanoLayersConfig | None = None
    occupancy: OccupancyHeadConfig | None = None
    boxes: BoxHeadConfig | None = None

    def __post_init__(self) -> None:
        if (self.published is None) == (self.nano is None):
            raise InvalidConfigError(f'{self.name}: give exactly one of published and nano')
        if self.occupancy is None and self.boxes is None:
            raise InvalidConfigError(f'{self.name}: at least one of occupancy and boxes is needed')
        require_plausible_sizes(self)
        if self.image.height_px % self.feature_stride or self.image.width_px % self.feature_stride:
            raise InvalidConfigError(
                f'{self.name}: image {self.image.height_px}x{self.image.width_px} is not a '
                f'multiple of feature_stride {self.feature_stride}')

    @property
    def feature_shape(self) -> tuple[int, int]:
        """Rows and columns of the image features."""
        return (self.image.height_px // self.feature_stride,
                self.image.width_px // self.feature_stride)

    def voxel_grid(self) -> VoxelGrid:
        """
        Return the grid on which the occupancy head answers.

        :raises InvalidConfigError: if the network has no occupancy head.
        """
        if self.occupancy is None:
            raise InvalidConfigError(f'{self.name} has no occupancy head, hence no voxel grid')
        num_y, num_x = self.bev.shape
        low_z, high_z = self.bev.z_range_m
        heights = self.occupancy.num_heights
        return VoxelGrid(
            lower_m=(self.bev.x_range_m[0], self.bev.y_range_m[0], low_z),
            cell_size_m=(*self.bev.cell_size_m, round((high_z - low_z) / heights, 9)),
            shape=(num_x, num_y, heights))


def parse_network_config(values: Any, where: str) -> NetworkConfig:
    """
    Build a network config from a mapping as YAML or JSON give it.

    :param values: Mapping of the config's fields, for example dataclasses.asdict of one.
    :param where: Where it came from, for the message.
    :raises InvalidConfigError: if a key is unknown or a value impossible.
    """
    return parse_dataclass(NetworkConfig, values, where)


def load_network_config(name_or_path: str | Path) -> NetworkConfig:
    """
    Load a network config.

    :param name_or_path: One of MODEL_NAMES, or the path of a YAML or JSON file.
    :raises InvalidConfigError: if the name is unknown, or the file is missing or wrong.
    """
    if name_or_path in MODEL_NAMES:
        path = share_path('config', f'model_{name_or_path}.yaml')
    else:
        path = Path(name_or_path)
    if not path.is_file():
        raise InvalidConfigError(
            f'no network config {str(name_or_path)!r}: give a file, or one of {MODEL_NAMES}')
    return parse_network_config(read_config(path), str(path))
