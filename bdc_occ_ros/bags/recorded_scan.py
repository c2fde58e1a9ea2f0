# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""One sweep of a LiDAR as it goes into a bag."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class RecordedScan:
    """
    Points, when they were measured and where the vehicle was then.

    :param stamp_ns: Time of the sweep.
    :param points: (N, 5) float32: x y z in the LiDAR frame, metres, intensity, ring.
    :param fixed_from_ego: Pose of the vehicle in the odometry frame, (4, 4), metres.
    """

    stamp_ns: int
    points: np.ndarray
    fixed_from_ego: np.ndarray


@dataclass(frozen=True)
class CloudLayout:
    """
    Where the numbers of a point are in a PointCloud2.

    :param names: Fields, all float32, in the order of a scan's columns.
    :param offsets: Byte at which each begins.
    :param step: Bytes per point.
    """

    names: tuple[str, ...]
    offsets: tuple[int, ...]
    step: int


XYZI = CloudLayout(('x', 'y', 'z', 'intensity'), (0, 4, 8, 12), 16)
XYZIR = CloudLayout(('x', 'y', 'z', 'intensity', 'ring'), (0, 4, 8, 12, 16), 20)
XYZIR_OF_PCL = CloudLayout(XYZIR.names, (0, 4, 8, 16, 20), 32)  # padded for SSE
