# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rays of a real rig of six cameras, so that the splat meets the cells that it would meet."""

from torch import Tensor

from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.geometry.rig_geometry import GeometryCache
from bdc_occ_ros.network.config import NetworkConfig
from bdc_occ_ros.share import share_path

CALIBRATION = 'calibration_nuscenes_n015.yaml'


def rig_rays(config: NetworkConfig) -> Tensor:
    """
    Return the ray points of a network's feature cells.

    :return: (6, D, h, w, 3) float32, metres, key ego frame.
    """
    rig = load_calibration(share_path('config', CALIBRATION))
    return GeometryCache(config.frustum).of(rig.cameras).rays.in_key_ego()
