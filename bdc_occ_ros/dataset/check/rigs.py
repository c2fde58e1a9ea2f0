# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Check that cameras are where cameras are on a vehicle, and look where their names say."""

from collections.abc import Iterator

import numpy as np

from bdc_occ_ros.dataset.check.issues import DatasetIssue
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.dataset.taxonomy import LIDAR
from bdc_occ_ros.errors import BdcOccError
from bdc_occ_ros.geometry.camera_rig import Camera

# Where nuScenes' cameras look, degrees to the left of ahead.
AZIMUTHS_DEG = {'CAM_FRONT': 0, 'CAM_FRONT_LEFT': 55, 'CAM_FRONT_RIGHT': -55, 'CAM_BACK': 180,
                'CAM_BACK_LEFT': 110, 'CAM_BACK_RIGHT': -110}
LARGEST_ERROR_DEG = 40
HEIGHTS_M = (0.3, 4.5)
LARGEST_SLOPE = 0.5
FOCAL_PER_WIDTH = (0.25, 4.0)
ROTATION_CURE = ('rotations must be ego_from_sensor as w x y z, the camera with x to the right, y '
                 'down and z ahead; see whether they were inverted or given as x y z w')


def check_rigs(dataset: NuscenesDataset) -> Iterator[DatasetIssue]:
    """Check the calibration of every sensor that the samples use."""
    seen = set()
    for key in dataset.keys:
        for channel, reading in dataset.key_readings(key).items():
            token = reading['calibrated_sensor_token']
            if token in seen:
                continue
            seen.add(token)
            where = f'calibrated_sensor.json, row {token} ({channel})'
            try:
                yield from _check_height(where, dataset.rows.mount(reading))
                if channel != LIDAR:
                    yield from _check_camera(where, dataset.rows.camera(channel, reading))
            except BdcOccError as error:
                yield DatasetIssue('calibration', where, str(error), ROTATION_CURE)


def _check_camera(where: str, camera: Camera) -> Iterator[DatasetIssue]:
    """Check one camera, whose name says where it should look."""
    (fx, _, cx), (_, fy, cy), _ = camera.intrinsics
    if not FOCAL_PER_WIDTH[0] < fx / camera.width_px < FOCAL_PER_WIDTH[1] or abs(
            fy / fx - 1) > 0.1:
        yield DatasetIssue(
            'calibration', where, f'focal lengths {fx:.1f} and {fy:.1f} px are implausible for '
            f'images {camera.width_px} px wide',
            'camera_intrinsic must belong to the images as they are, scaled with them')
    if not (0.25 < cx / camera.width_px < 0.75 and 0.2 < cy / camera.height_px < 0.8):
        yield DatasetIssue(
            'calibration', where, f'the optical axis meets the image at {cx:.1f}, {cy:.1f} px of '
            f'{camera.width_px} x {camera.height_px}',
            'camera_intrinsic must belong to the images as they are, cropped with them')
    ahead, down = camera.ego_from_camera[:3, 2], camera.ego_from_camera[:3, 1]
    if abs(ahead[2]) > LARGEST_SLOPE or down[2] > -0.7:
        yield DatasetIssue(
            'calibration', where, f'looks along {np.round(ahead, 2).tolist()} with its lower edge '
            f'towards {np.round(down, 2).tolist()}', ROTATION_CURE)
    elif camera.name in AZIMUTHS_DEG:
        azimuth_deg = np.degrees(np.arctan2(ahead[1], ahead[0]))
        error_deg = (azimuth_deg - AZIMUTHS_DEG[camera.name] + 180) % 360 - 180
        if abs(error_deg) > LARGEST_ERROR_DEG:
            yield DatasetIssue(
                'calibration', where, f'looks {azimuth_deg:.0f} degrees to the left; about '
                f'{AZIMUTHS_DEG[camera.name]} are usual',
                'see whether cameras were exchanged, or left and right; ' + ROTATION_CURE)


def _check_height(where: str, mount: np.ndarray) -> Iterator[DatasetIssue]:
    place_m = mount[:3, 3]
    if not HEIGHTS_M[0] < place_m[2] < HEIGHTS_M[1] or np.abs(place_m[:2]).max() > 8:
        yield DatasetIssue(
            'calibration', where, f'is mounted at {np.round(place_m, 2).tolist()} m',
            'translations are metres in the ego frame, x ahead, y left, z up from the road; see '
            'whether they were given in millimetres or inverted')
