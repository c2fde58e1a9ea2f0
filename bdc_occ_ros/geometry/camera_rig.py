# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Describe the calibrated cameras of one vehicle.

Frames of reference: camera x right, y down, z forward (optical, REP 103); ego x forward, y left,
z up. `a_from_b` maps coordinates of b into a.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field, replace

import numpy as np

from bdc_occ_ros.errors import BdcOccError, InvalidCalibrationError, InvalidPoseError
from bdc_occ_ros.files import quoted
from bdc_occ_ros.geometry.rotations import is_rotation

MAX_CAMERAS = 8
MAX_SIDE_PX, MAX_PIXELS, MAX_ASPECT = 16384, 2 ** 25, 16
DISTORTION_LENGTHS = {
    '': (), 'plumb_bob': (4, 5), 'rational_polynomial': (8, 12, 14), 'equidistant': (4,),
}
# What no camera, lens, vehicle or map exceeds: beyond these a number was damaged or made up.
FOCAL_PER_SIDE, MAX_CENTRE_PER_SIDE, MAX_SKEW_PER_FOCAL = (0.01, 100.0), 10.0, 0.1
MAX_COEFFICIENT, MAX_MOUNT_M, MAX_POSITION_M = 1e5, 100.0, 1e8


def check_size(width_px: int, height_px: int, where: str, error: type[BdcOccError]) -> None:
    """
    Check that an image can have a size, before anything is allocated for it.

    :raises BdcOccError: of the given kind, if it is empty, too large or too oblong.
    """
    short, long = sorted((width_px, height_px))
    if not (0 < short and long <= min(MAX_SIDE_PX, MAX_ASPECT * short)
            and short * long <= MAX_PIXELS):
        raise error(
            f'{where}: image size must be positive, with sides up to {MAX_SIDE_PX}, 1:{MAX_ASPECT}'
            f' at most and {MAX_PIXELS} pixels; this one claims {width_px}x{height_px}')


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
    :raises InvalidPoseError: if it is not finite, not (4, 4), farther away than any map, or its
        rotation is not orthonormal with determinant +1.
    """
    checked = read_only(matrix, np.float64)
    if checked.shape != (4, 4) or not (np.abs(checked) <= MAX_POSITION_M).all():
        raise InvalidPoseError(f'{name}: a finite (4, 4) matrix with numbers up to '
                               f'{MAX_POSITION_M:g} is needed; got {quoted(checked.tolist())}')
    if not is_rotation(checked[:3, :3]) or not np.array_equal(checked[3], (0.0, 0.0, 0.0, 1.0)):
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
    :param distortion: Coefficients in the order of sensor_msgs/CameraInfo. Zeros at the end say
        nothing; nothing but zeros, under any model, means no distortion.
    :raises InvalidCalibrationError: if the size, a number of K, a coefficient or the mount cannot
        be that of a camera, or the coefficients do not fit the model.
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
        mount = rigid_transform(self.ego_from_camera, f'{self.name}: ego_from_camera')
        object.__setattr__(self, 'intrinsics', matrix)
        object.__setattr__(self, 'ego_from_camera', mount)
        check_size(self.width_px, self.height_px, self.name, InvalidCalibrationError)
        if (matrix.shape != (3, 3) or not np.isfinite(matrix).all()
                or not np.array_equal(matrix[(1, 2, 2, 2), (0, 0, 1, 2)], (0, 0, 0, 1))):
            raise InvalidCalibrationError(
                f'{self.name}: intrinsics must be a finite (3, 3) matrix with zeros below the '
                f'diagonal and a last row 0 0 1; got {matrix.tolist()}. Is the camera calibrated?')
        model, distortion = _meaning_of(self.distortion_model, self.distortion, self.name)
        object.__setattr__(self, 'distortion_model', model)
        object.__setattr__(self, 'distortion', read_only(distortion))
        for what, value, least, greatest in self._ranges():
            if not least <= value <= greatest:
                raise InvalidCalibrationError(
                    f'{self.name}: {what} must lie in {least:g} to {greatest:g} for a camera of '
                    f'{self.width_px}x{self.height_px}; got {value:g}. Is it calibrated?')

    def _ranges(self) -> Iterator[tuple[str, float, float, float]]:
        """List numbers and what they may be."""
        (fx, skew, cx), (_, fy, cy), _ = self.intrinsics
        side = max(self.width_px, self.height_px)
        for axis, focal, centre in (('x', fx, cx), ('y', fy, cy)):
            yield (f'focal length f{axis}', focal, *(side * share for share in FOCAL_PER_SIDE))
            reach = side * MAX_CENTRE_PER_SIDE
            yield f'principal point c{axis}', centre, -reach, reach
        yield 'skew', skew, -fx * MAX_SKEW_PER_FOCAL, fx * MAX_SKEW_PER_FOCAL
        for coefficient in self.distortion:
            yield 'distortion', coefficient, -MAX_COEFFICIENT, MAX_COEFFICIENT
        for position_m in self.ego_from_camera[:3, 3]:
            yield 'mount in metres', position_m, -MAX_MOUNT_M, MAX_MOUNT_M

    @property
    def is_distorted(self) -> bool:
        """
        Return whether the lens bends.

        An equidistant lens bends even with zeros, but drivers write zeros under any model name
        for images that are straight already, so zeros mean straight.
        """
        return bool(len(self.distortion))

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


def _meaning_of(model: str, distortion: np.ndarray, name: str) -> tuple[str, np.ndarray]:
    """Return what a distortion says, without the zeros that its model does not take, or ''."""
    coefficients = np.array(distortion, dtype=np.float64).reshape(-1)
    num_given, num_used = len(coefficients), len(np.trim_zeros(coefficients, 'b'))
    if not num_used:
        return '', np.zeros(0)
    if model not in DISTORTION_LENGTHS:
        raise InvalidCalibrationError(
            f'{name}: unknown distortion model {quoted(model)}; known are '
            f'{sorted(filter(None, DISTORTION_LENGTHS))}')
    lengths = DISTORTION_LENGTHS[model]
    for length in (num_given, *lengths):
        if length in lengths and num_used <= length <= num_given:
            return model, coefficients[:length]
    raise InvalidCalibrationError(
        f'{name}: {model or "no model"} takes {lengths or "no"} coefficients; got {num_given}, '
        f'{num_used} without the zeros at the end')


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
