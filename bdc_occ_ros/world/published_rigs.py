# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The vehicles that drive through the world: those whose calibrations nuScenes published."""

from collections.abc import Sequence

from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.share import share_path

RIG_NAMES = ('nuscenes_n015', 'nuscenes_n008', 'nuscenes_n008_2018_05')


def published_rigs(names: Sequence[str] = RIG_NAMES) -> tuple[CameraRig, ...]:
    """Return rigs of real vehicles, from YAML files."""
    return tuple(load_calibration(share_path('config', f'calibration_{name}.yaml'))
                 for name in names)
