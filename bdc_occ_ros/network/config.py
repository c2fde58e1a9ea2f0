# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Define what a network is made of: plain frozen dataclasses, read from config/model_<name>.yaml.

Sizes, grids and switches live here and nowhere else. Two layouts of layers exist: the published
one (ResNet-50, image neck, BEV backbone and neck; FlashOcc, BEVDet and BDC are settings of it)
and the nano one for small computers.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, is_dataclass
import math
import os
from pathlib import Path
from typing import Any, Literal

from bdc_occ_ros.binary.config import UnitConfig
from bdc_occ_ros.classes import DETECTION_CLASS_NAMES, FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.config_file import parse_dataclass, read_yaml
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.files import quoted
from bdc_occ_ros.geometry.frustum import DepthConfig, Frustum, ImageConfig
from bdc_occ_ros.geometry.voxel_grid import BevConfig, VoxelGrid
from bdc_occ_ros.share import share_path

MODEL_NAMES = ('flashocc_r50', 'bdc_occ_t', 'bdc_occ_b', 'bevdet_r50', 'bdc_det_t', 'bdc_occ_nano',
               'bdc_occ_nano_half', 'bdc_occ_lite')
# The largest value of whole numbers by the end of their field's name; the smallest is 1.
LARGEST = {'_px': 4096, '_channels': 4096, 'stride': 64, '_units': 64, '_layers': 16,
           'num_heights': 256, 'max_boxes': 100_000, 'class_counts': 2 ** 53}
MAX_CLASSES = 256  # a label is one byte
MAX_DEPTH_BINS = 1024
MAX_ROWS = 4096
MAX_POINTS = 1 << 24  # ray points of one camera
MAX_VOXELS = 1 << 26


@dataclass(frozen=True)
class PublishedLayersConfig:
    """
    Configure the published layout on ResNet-50.

    :param image_neck_unit: Unit of a binary image neck, or None for the full-precision one.
    :param bev_unit: Unit of BEV backbone, BEV neck and heads, or None for full precision.
    :param bev_channels: Channels of the three stages of the BEV backbone; each doubles.
    :param bev_neck_channels: Channels inside the BEV neck, which returns feature_channels.
    """

    image_neck_unit: UnitConfig | None = None
    bev_unit: UnitConfig | None = None
    bev_channels: tuple[int, int, int] = (128, 256, 512)
    bev_neck_channels: int = 512


@dataclass(frozen=True)
class NanoLayersConfig:
    """
    Configure the small layout; each tuple runs from fine to coarse.

    :param pretrained: What stands in front of the image backbone's units at strides 8 and 16: a
        stem of their own and units at stride 4, or EfficientNet-Lite0 with its ImageNet weights.
    :param image_unit: Unit of the image backbone; is_binary is the switch to a binary one.
    :param bev_unit: Unit of the BEV part.
    :param image_channels: Channels at strides 4, 8 and 16.
    :param image_units: Units at those strides; the first of stride 8 and 16 goes down.
    :param bev_channels: Channels at BEV strides 2 and 4.
    :param bev_units: Units at those strides; the first of stride 4 goes down.
    :param bev_neck_units: Units after the two are fused.
    :param voxel_channels: Channels per cell from which the occupancy head makes all heights.
    :param box_channels: Hidden channels of the box head.
    """

    pretrained: Literal['nothing', 'efficientnet_lite0'] = 'nothing'
    image_unit: UnitConfig = field(default_factory=UnitConfig)
    bev_unit: UnitConfig = field(default_factory=UnitConfig)
    image_channels: tuple[int, int, int] = (64, 128, 256)
    image_units: tuple[int, int, int] = (1, 3, 3)
    bev_channels: tuple[int, int] = (128, 256)
    bev_units: tuple[int, int] = (1, 3)
    bev_neck_units: int = 1
    voxel_channels: int = 64
    box_channels: int = 64


@dataclass(frozen=True)
class OccupancyHeadConfig:
    """
    Define what the occupancy head returns.

    :param num_heights: Cells above each other within the slab.
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
        """Return the number of classes, free among them."""
        return len(self.class_names)


@dataclass(frozen=True)
class BoxHeadConfig:
    """
    Define what the box head returns and how its maps are decoded.

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
    Define one network, from image size to heads.

    :param feature_stride: Input pixels per cell of the image features.
    :param feature_channels: Channels of the image features and of the BEV features.
    :param context_channels: Channels that are lifted into the BEV grid.
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
        _require_plausible_sizes(self)
        image_step, bev_step = self.frustum.size_step_px, 8 if self.nano is None else 4
        for name, size, step in (  # the coarsest maps on which stages join have whole cells
                ('image.height_px', self.image.height_px, image_step),
                ('image.width_px', self.image.width_px, image_step),
                ('rows of bev', self.bev.shape[0], bev_step),
                ('columns of bev', self.bev.shape[1], bev_step)):
            if size % step:
                below = size // step * step
                raise InvalidConfigError(
                    f'{self.name}: {name} goes in steps of {step}: {below or step} or '
                    f'{below + step}; got {size}')

    @property
    def frustum(self) -> Frustum:
        """Return the frustum of every camera."""
        return Frustum(self.image, self.feature_stride, self.depth)

    @property
    def feature_shape(self) -> tuple[int, int]:
        """Return rows and columns of the image features."""
        return self.frustum.feature_shape

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


def load_network_config(name_or_path: str | Path) -> NetworkConfig:
    """
    Load a network config.

    :param name_or_path: One of MODEL_NAMES, or the path of a YAML file.
    :raises InvalidConfigError: if the name is unknown, or the file is missing or wrong.
    """
    if name_or_path in MODEL_NAMES:
        path = share_path('config', f'model_{name_or_path}.yaml')
    else:
        path = Path(name_or_path)
    if not os.path.isfile(path):
        raise InvalidConfigError(f'no network config {quoted(str(name_or_path))}: give a file, or '
                                 f'one of {MODEL_NAMES}')
    return parse_dataclass(NetworkConfig, read_yaml(path), str(path))


def _require_plausible_sizes(config: NetworkConfig) -> None:
    """
    Refuse a network that is too large to be meant, and one of no size.

    The largest network in use has 2048 channels, 58 000 ray points per camera and 640 000 voxels.
    """
    for where, value in _leaves(config, ''):
        name = where.rpartition('.')[2]
        largest = next((limit for end, limit in LARGEST.items() if name.endswith(end)), None)
        values = value if isinstance(value, tuple) else (value,)
        if largest and not all(v is None or 1 <= v <= largest for v in values):
            raise InvalidConfigError(
                f'{where[1:]} must be from 1 to {largest}; got {quoted(value)}')
        if name == 'class_names' and not 1 <= len(value) <= MAX_CLASSES:
            raise InvalidConfigError(
                f'{where[1:]}: 1 to {MAX_CLASSES} classes are possible; got {len(value)}')
    depth, bev = config.depth, config.bev
    if (depth.stop_m - depth.start_m) / depth.step_m > MAX_DEPTH_BINS:
        raise InvalidConfigError(f'depth: at most {MAX_DEPTH_BINS} bins are possible; got {depth}')
    if depth.spacing == 'sid' and depth.num_bins < 2:
        raise InvalidConfigError(f'depth: sid needs two bins at least; got {depth}')
    extents_m = (range_m[1] - range_m[0] for range_m in (bev.x_range_m, bev.y_range_m))
    cells = [extent_m / size_m for extent_m, size_m in zip(extents_m, bev.cell_size_m)]
    heights = 1 if config.occupancy is None else config.occupancy.num_heights
    if not all(0.5 < count <= MAX_ROWS for count in cells) or (
            math.prod(bev.shape) * heights > MAX_VOXELS):
        raise InvalidConfigError(f'bev: at most {MAX_ROWS} rows and columns and {MAX_VOXELS} '
                                 f'voxels, and at least one, are possible; got {bev}')
    points = config.depth.num_bins * math.prod(config.feature_shape)
    if points > MAX_POINTS:
        raise InvalidConfigError(
            f'a camera may have {MAX_POINTS} ray points, bins times feature cells; got {points}')


def _leaves(config: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Yield every value that is not a dataclass with its place."""
    for name, value in vars(config).items():
        if is_dataclass(value):
            yield from _leaves(value, f'{where}.{name}')
        else:
            yield f'{where}.{name}', value
