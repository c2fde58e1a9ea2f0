# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Read and write a camera rig in a YAML file.

    key_camera: CAM_FRONT_LEFT
    cameras:                        # in the order in which the network takes them
      CAM_FRONT_LEFT:
        width_px: 1600
        height_px: 900
        intrinsics: [fx, 0, cx, 0, fy, cy, 0, 0, 1]
        distortion_model: plumb_bob             # may be left out, as may distortion
        distortion: [k1, k2, p1, p2, k3]
        ego_from_camera:                        # camera x right, y down, z forward
          translation_m: [x, y, z]
          rotation_xyzw: [x, y, z, w]
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from bdc_occ_ros.config_file import read_yaml
from bdc_occ_ros.errors import InvalidCalibrationError
from bdc_occ_ros.files import quoted, reading
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig, rigid_transform
from bdc_occ_ros.geometry.rotations import matrix_from_quaternion, quaternion_from_matrix

_REQUIRED = {'width_px', 'height_px', 'intrinsics', 'ego_from_camera'}
_OPTIONAL = {'distortion_model', 'distortion'}


def load_calibration(path: str | Path) -> CameraRig:
    """
    Read a rig.

    :raises InvalidCalibrationError: if the file cannot be read, a key is missing or unknown, or
        a value cannot be that of a camera; the message names file and camera.
    """
    with reading(path, InvalidCalibrationError):
        document = read_yaml(Path(path))
        _require_keys(document, {'key_camera', 'cameras'}, set(), 'the file')
        if not isinstance(document['cameras'], Mapping):
            raise InvalidCalibrationError('cameras must map names to calibrations')
        cameras = tuple(_camera(name, entry) for name, entry in document['cameras'].items())
        return CameraRig(cameras, document['key_camera'])


def save_calibration(rig: CameraRig, path: str | Path) -> None:
    """Write a rig in the form that load_calibration reads."""
    entries = {}
    for camera in rig.cameras:
        mount = camera.ego_from_camera
        entries[camera.name] = {
            'width_px': camera.width_px,
            'height_px': camera.height_px,
            'intrinsics': camera.intrinsics.reshape(-1).tolist(),
            'distortion_model': camera.distortion_model,
            'distortion': camera.distortion.tolist(),
            'ego_from_camera': {
                'translation_m': mount[:3, 3].tolist(),
                'rotation_xyzw': quaternion_from_matrix(mount[:3, :3]).tolist()}}
    document = {'key_camera': rig.key_camera, 'cameras': entries}
    Path(path).write_text(yaml.safe_dump(document, sort_keys=False, default_flow_style=None))


def _require_keys(entry: Any, required: set[str], optional: set[str], where: str) -> None:
    """Check that a mapping has all required keys and no unknown one."""
    if not isinstance(entry, Mapping):
        raise InvalidCalibrationError(f'{where} must be a mapping; got {type(entry).__name__}')
    missing, unknown = required - set(entry), set(entry) - required - optional
    if missing or unknown:
        raise InvalidCalibrationError(
            f'{where}: missing keys {sorted(missing)}, unknown keys {quoted(sorted(unknown))}')


def _numbers(values: Any, count: int | None, where: str) -> np.ndarray:
    """Return a list of numbers as an array, or say what came instead."""
    is_list = isinstance(values, list) and all(
        isinstance(value, int | float) and not isinstance(value, bool) for value in values)
    if not is_list or count not in (None, len(values)):
        raise InvalidCalibrationError(f'{where} must be a list of {count or "any"} numbers; got '
                                      f'{quoted(values)}')
    return np.array(values, dtype=np.float64)


def _camera(name: str, entry: Any) -> Camera:
    _require_keys(entry, _REQUIRED, _OPTIONAL, str(name))
    _require_keys(entry['ego_from_camera'], {'translation_m', 'rotation_xyzw'}, set(),
                  f'{name}: ego_from_camera')
    for key in ('width_px', 'height_px'):
        if type(entry[key]) is not int:
            raise InvalidCalibrationError(f'{name}: {key} must be an integer; got '
                                          f'{quoted(entry[key])}')
    mount = np.eye(4)
    mount[:3, 3] = _numbers(entry['ego_from_camera']['translation_m'], 3, f'{name}: translation_m')
    mount[:3, :3] = matrix_from_quaternion(
        _numbers(entry['ego_from_camera']['rotation_xyzw'], 4, f'{name}: rotation_xyzw'))
    return Camera(
        name=str(name), width_px=entry['width_px'], height_px=entry['height_px'],
        intrinsics=_numbers(entry['intrinsics'], 9, f'{name}: intrinsics').reshape(3, 3),
        ego_from_camera=rigid_transform(mount, f'{name}: ego_from_camera'),
        distortion_model=str(entry.get('distortion_model', '')),
        distortion=_numbers(entry.get('distortion', []), None, f'{name}: distortion'))
