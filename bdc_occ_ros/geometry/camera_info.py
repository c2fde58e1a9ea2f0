# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Read intrinsics from sensor_msgs/CameraInfo, with its traps.

K and D belong to the whole sensor, so a region of interest moves the principal point and binning
divides all of K (REP 104). P belongs to rectified images. Several recorders fill R with zeros or
misplaced ones, so it is used only where it is needed and is a rotation. The message may come from
ROS or from a bag that was read without it.
"""

from typing import Any

import numpy as np

from bdc_occ_ros.errors import InvalidCalibrationError
from bdc_occ_ros.files import quoted
from bdc_occ_ros.geometry.camera_rig import Camera, DISTORTION_LENGTHS
from bdc_occ_ros.geometry.rotations import is_rotation


def camera_from_info(info: Any, name: str, ego_from_camera: np.ndarray,
                     rectified: bool = False, undistort: bool = True) -> Camera:
    """
    Build a camera of the rig.

    :param ego_from_camera: Its mount with optical axes, (4, 4), metres.
    :param rectified: Whether the images are rectified. P replaces K where P is not zero, lens
        distortion is gone, and a rotation R turns the mount.
    :param undistort: Whether distortion is to be corrected; without it D is left out.
    :raises InvalidCalibrationError: if the numbers cannot be those of a camera, D does not fit
        its model, or region and binning do not fit the size.
    """
    matrix = np.array(info.k).reshape(3, 3)
    projection = np.array(info.p).reshape(3, 4)[:, :3]
    if rectified and projection.any():
        matrix = projection
    rotation = np.array(info.r).reshape(3, 3)
    mount = np.array(ego_from_camera, dtype=np.float64)
    if rectified and is_rotation(rotation):
        mount[:3, :3] = mount[:3, :3] @ rotation.T  # R maps camera axes to rectified ones
    is_bent = not rectified and undistort
    width_px, height_px, image_from_sensor = _window(info, name)
    return Camera(
        name=name, width_px=width_px, height_px=height_px,
        intrinsics=image_from_sensor @ matrix, ego_from_camera=mount,
        distortion_model=info.distortion_model if is_bent else '',
        distortion=np.array(info.d) if is_bent else np.zeros(0))


def camera_info_remarks(info: Any, rectified: bool = False) -> tuple[str, ...]:
    """Return what is odd about a CameraInfo although it can be used."""
    remarks = []
    is_asked_for = rectified or np.any(info.r)  # a driver of raw images may leave R at zero
    if is_asked_for and not is_rotation(np.array(info.r).reshape(3, 3)):
        remarks.append(f'R is no rotation and is ignored: {np.round(info.r, 3).tolist()}')
    if rectified and not np.array(info.p).reshape(3, 4)[:, :3].any():
        remarks.append('P is zero although the images are rectified; K is used')
    if not len(info.d) and info.distortion_model not in DISTORTION_LENGTHS:
        remarks.append(f'distortion model {quoted(info.distortion_model)} without coefficients')
    return tuple(remarks)


def _window(info: Any, name: str) -> tuple[int, int, np.ndarray]:
    """Return the image size, and the map from sensor pixels to image pixels, (3, 3)."""
    region = info.roi
    has_region = region.width > 0 or region.height > 0
    width_px = region.width if has_region else info.width
    height_px = region.height if has_region else info.height
    left_px, top_px = (region.x_offset, region.y_offset) if has_region else (0, 0)
    if left_px + width_px > info.width or top_px + height_px > info.height:
        raise InvalidCalibrationError(
            f'{name}: the region of interest {width_px}x{height_px} at ({left_px}, {top_px}) '
            f'does not lie in the sensor of {info.width}x{info.height}')
    across, down = max(info.binning_x, 1), max(info.binning_y, 1)
    image_from_sensor = np.array([
        [1.0 / across, 0.0, -left_px / across], [0.0, 1.0 / down, -top_px / down],
        [0.0, 0.0, 1.0]])
    return width_px // across, height_px // down, image_from_sensor
