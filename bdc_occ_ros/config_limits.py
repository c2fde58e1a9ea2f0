# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The sizes that a network may have: a config from a file must not exhaust the machine."""

from collections.abc import Iterator
from dataclasses import fields
from dataclasses import is_dataclass
import math
from typing import Any
from typing import TYPE_CHECKING

from bdc_occ_ros.errors import InvalidConfigError

if TYPE_CHECKING:
    from bdc_occ_ros.config import BevConfig
    from bdc_occ_ros.config import DepthConfig
    from bdc_occ_ros.config import NetworkConfig

# The largest value of whole numbers by the end of their field's name; the smallest is 1.
LARGEST = {'_px': 4096, '_channels': 4096, 'stride': 64, '_units': 64, '_layers': 16,
           'num_heights': 256, 'max_boxes': 100_000, 'class_counts': 2 ** 53}
MAX_CLASSES = 256  # a label is one byte
MAX_DEPTH_BINS = 1024
MAX_ROWS = 4096
MAX_POINTS = 1 << 24  # ray points of one camera
MAX_VOXELS = 1 << 26


def require_plausible_sizes(config: 'NetworkConfig') -> None:
    """
    Refuse a network that is too large to be meant, and one of no size.

    The largest network in use has 2048 channels, 58 000 ray points per camera and 640 000 voxels.

    :param config: Any network.
    :raises InvalidConfigError: if a size is outside its limits.
    """
    for where, value in _leaves(config, ''):
        name = where.rpartition('.')[2]
        largest = next((limit for end, limit in LARGEST.items() if name.endswith(end)), None)
        values = value if isinstance(value, tuple) else (value,)
        if largest and not all(v is None or 1 <= v <= largest for v in values):
            raise InvalidConfigError(f'{where[1:]} must be from 1 to {largest}; got {value}')
        if name == 'class_names' and not 1 <= len(value) <= MAX_CLASSES:
            raise InvalidConfigError(
                f'{where[1:]}: 1 to {MAX_CLASSES} classes are possible; got {len(value)}')
    _require_plausible_depth(config.depth)
    heights = 1 if config.occupancy is None else config.occupancy.num_heights
    _require_plausible_grid(config.bev, heights)
    points = config.depth.num_bins * (config.image.height_px // config.feature_stride) * (
        config.image.width_px // config.feature_stride)
    if points > MAX_POINTS:
        raise InvalidConfigError(
            f'a camera may have {MAX_POINTS} ray points, bins times feature cells; got {points}')


def _require_plausible_depth(depth: 'DepthConfig') -> None:
    """Refuse too many depth bins; range and step are positive already."""
    if (depth.stop_m - depth.start_m) / depth.step_m > MAX_DEPTH_BINS:
        raise InvalidConfigError(f'depth: at most {MAX_DEPTH_BINS} bins are possible; got {depth}')
    if depth.spacing == 'sid' and depth.num_bins < 2:
        raise InvalidConfigError(f'depth: sid needs two bins at least; got {depth}')


def _require_plausible_grid(bev: 'BevConfig', heights: int) -> None:
    """Refuse a grid without cells or with too many; the ranges are positive already."""
    extents = (range_m[1] - range_m[0] for range_m in (bev.x_range_m, bev.y_range_m))
    cells = [extent / size for extent, size in zip(extents, bev.cell_size_m)]
    if not all(0.5 < count <= MAX_ROWS for count in cells) or (
            math.prod(bev.shape) * heights > MAX_VOXELS):
        raise InvalidConfigError(f'bev: at most {MAX_ROWS} rows and columns and {MAX_VOXELS} '
                                 f'voxels, and at least one, are possible; got {bev}')


def _leaves(config: Any, where: str) -> Iterator[tuple[str, Any]]:
    """Yield every value that is not a dataclass with its place."""
    for field in fields(config):
        value = getattr(config, field.name)
        if is_dataclass(value):
            yield from _leaves(value, f'{where}.{field.name}')
        else:
            yield f'{where}.{field.name}', value
