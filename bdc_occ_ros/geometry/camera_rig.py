# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Describe the calibrated cameras of one vehicle.

Frames of reference: camera x right, y down, z forward (optical, REP 103); ego x forward, y left,
z up. `a_from_b` maps coordinates of b into a.
"""

from dataclasses import dataclass, field, replace

import numpy as np

from bdc_occ_ros.errors import InvalidCalibrationError, InvalidPoseError
from bdc_occ_ros.files import quoted

MAX_CAMERAS = 8
DISTORTION_LENGTHS = {
    '': (0,), 'plumb_bob': (0, 4, 5), 'rational_polynomial': (0, 8, 12, 14), 'equidistant': (0, 4),
}
ROTATION_TOLERANCE = 1e-3


def read_only(array: np.ndarray, dtype: type | None = None) -> np.ndarray:
    """Return a view of an array, converted where a dtype is given, that cannot be written to."""
    view = np.asarray(array, dtype=dtype).view()
    view.flags.writeable = False
    return view


def rigid_transform(matrix: np.ndarray, name: str) -> np.ndarray:
    """
    Check that a matrix is a rigid transform.

    :param matrix: Homogeneous transform, (4, 4), metres.
    :return: The same values as read-only float64.
    :raises InvalidPoseError: if it is not finite, not (4, 4), or its rotation is not orthonormal
        with determinant +1.
    """
    checked = read_only(matrix, np.float64)
    if checked.shape != (4, 4) or not np.isfinite(checked).all():
        raise InvalidPoseError(f'{name}: a finite (4, 4) matrix is needed; got '
                               f'{quoted(checked.tolist())}')
    rotation = checked[:3, :3]
    is_rotation = (np.abs(rotation @ rotation.T - np.eye(3)).max() < ROTATION_TOLERANCE
                   and np.linalg.det(rotation) > 0)
    if not is_rotation or not np.array_equal(checked[3], (0.0, 0.0, 0.0, 1.0)):
        raise InvalidPoseError(
            f'{name}: the rotation must be orthonormal with determinant +1 and the last row '
            f'0 0 0 1; got {checked.tolist()}')
    return checked


@dataclass(frozen=True, eq=False)
class Camera:
    """
    Describe one calibrated camera of a rig.

    :param name: Role of the camera in the rig, for example CAM_FRONT.
    :param width_px: Image width that the intrinsics belong to.
    :param intrinsics: Camera matrix K, (3, 3), pixels.
    :param ego_from_camera: Mount of the camera, (4, 4), metres.
    :param distortion_model: plumb_bob, rational_polynomial, equidistant or empty.
    :param distortion: Coefficients in the order of sensor_msgs/CameraInfo; none means none.
    :raises InvalidCalibrationError: if K is singular or not finite, or the coefficients do not
        fit the model.
    :raises InvalidPoseError: if the mount is not a rigid transform.
    """

    name: str
    width_px: int
    height_px: int
    intrinsics: np.ndarray
    ego_from_camera: np.ndarray
    distortion_model: str = ''
    distortion: np.ndarray = field(default_factory=lambda: np.zeros(0))

    def __post_init__(self) -> None:
        matrix = read_only(self.intrinsics, np.float64)
        distortion = read_only(self.distortion, np.float64).reshape(-1)
        mount = rigid_transform(self.ego_from_camera, f'{self.name}: ego_from_camera')
        object.__setattr__(self, 'intrinsics', matrix)
        object.__setattr__(self, 'distortion', distortion)
        object.__setattr__(self, 'ego_from_camera', mount)
        if self.width_px <= 0 or self.height_px <= 0:
            raise InvalidCalibrationError(f'{self.name}: image size must be positive; got '
                                          f'{self.width_px}x{self.height_px}')
        if matrix.shape != (3, 3) or not np.isfinite(matrix).all():
            raise InvalidCalibrationError(
                f'{self.name}: intrinsics must be a finite (3, 3) matrix; got {matrix.tolist()}')
        if matrix[0, 0] <= 0 or matrix[1, 1] <= 0 or not np.array_equal(matrix[2], (0, 0, 1)):
            raise InvalidCalibrationError(
                f'{self.name}: intrinsics need positive focal lengths and a last row 0 0 1; got '
                f'{matrix.tolist()}. Is the camera driver calibrated?')
        if self.distortion_model not in DISTORTION_LENGTHS:
            raise InvalidCalibrationError(
                f'{self.name}: unknown distortion model {quoted(self.distortion_model)}; known '
                f'are {sorted(filter(None, DISTORTION_LENGTHS))}')
        if len(distortion) not in DISTORTION_LENGTHS[self.distortion_model]:
            raise InvalidCalibrationError(
                f'{self.name}: {self.distortion_model or "no model"} takes '
                f'{DISTORTION_LENGTHS[self.distortion_model]} coefficients; got {len(distortion)}')
        if not np.isfinite(distortion).all():
            raise InvalidCalibrationError(
                f'{self.name}: distortion must be finite; got {distortion.tolist()}')

    @property
    def is_distorted(self) -> bool:
        """
        Return whether any distortion coefficient differs from zero.

        An equidistant lens bends even with zeros, but drivers write zeros under any model name
        for images that are straight already, so zeros mean straight.
        """
        return bool(np.any(self.distortion != 0))

    @property
    def fingerprint(self) -> bytes:
        """Return bytes that are equal exactly when two calibrations are."""
        head = f'{self.name}|{self.width_px}x{self.height_px}|{self.distortion_model}|'
        return (head.encode() + self.intrinsics.tobytes() + self.distortion.tobytes()
                + self.ego_from_camera.tobytes())

    def resized(self, width_px: int, height_px: int) -> 'Camera':
        """
        Return this camera for images of another size.

        K scales with the size, without a half-pixel shift, as image_proc and FlashOcc do it.
        """
        scale = np.diag((width_px / self.width_px, height_px / self.height_px, 1.0))
        return replace(self, width_px=width_px, height_px=height_px,
                       intrinsics=scale @ self.intrinsics)


@dataclass(frozen=True, eq=False)
class CameraRig:
    """
    List the cameras of one vehicle, in the order in which the network takes them.

    :param key_camera: The camera whose exposure time and ego pose define the output; it need not
        contribute an image to every frame.
    :raises InvalidCalibrationError: if the count is wrong, a name repeats or the key is unknown.
    """

    cameras: tuple[Camera, ...]
    key_camera: str

    def __post_init__(self) -> None:
        object.__setattr__(self, 'cameras', tuple(self.cameras))
        if not 1 <= len(self.cameras) <= MAX_CAMERAS:
            raise InvalidCalibrationError(
                f'a rig has 1 to {MAX_CAMERAS} cameras; got {len(self.cameras)}')
        if len(set(self.names)) != len(self.names):
            raise InvalidCalibrationError(f'camera names must differ; got {quoted(self.names)}')
        if self.key_camera not in self.names:
            raise InvalidCalibrationError(
                f'the key camera {quoted(self.key_camera)} is not one of '
                f'{quoted(self.names)}')

    @property
    def names(self) -> tuple[str, ...]:
        """Return the camera names in the order of the network."""
        return tuple(camera.name for camera in self.cameras)

    @property
    def fingerprint(self) -> bytes:
        """Return bytes that are equal exactly when two rigs are."""
        return self.key_camera.encode() + b''.join(c.fingerprint for c in self.cameras)

    def resized(self, width_px: int, height_px: int) -> 'CameraRig':
        """Return this rig for images of another size, the same for every camera."""
        return replace(self, cameras=tuple(
            camera.resized(width_px, height_px) for camera in self.cameras))

    def __getitem__(self, name: str) -> Camera:
        for camera in self.cameras:
            if camera.name == name:
                return camera
        raise InvalidCalibrationError(f'no camera {quoted(name)} in the rig; there are '
                                      f'{quoted(self.names)}')
