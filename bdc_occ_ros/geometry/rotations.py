# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Convert quaternions, x y z w as in geometry_msgs, and rotation matrices."""

from collections.abc import Sequence

import numpy as np

from bdc_occ_ros.errors import InvalidPoseError

NORM_TOLERANCE, ROTATION_TOLERANCE = 1e-2, 1e-3


def is_rotation(matrix: np.ndarray) -> bool:
    """Return whether a (3, 3) matrix is finite, orthonormal and right-handed."""
    return bool(np.isfinite(matrix).all()
                and np.abs(matrix @ matrix.T - np.eye(3)).max() < ROTATION_TOLERANCE
                and np.linalg.det(matrix) > 0)


def matrix_from_quaternion(quaternion_xyzw: np.ndarray) -> np.ndarray:
    """
    Return the rotation matrix of a unit quaternion.

    A norm within one per cent of 1 is accepted, since files round their digits; anything
    else is a mistake and not something to normalise away.

    :return: Rotation, (3, 3) float64.
    :raises InvalidPoseError: if it is not finite or not of unit length.
    """
    quaternion = np.asarray(quaternion_xyzw, dtype=np.float64)
    norm = float(np.linalg.norm(quaternion))
    if quaternion.shape != (4,) or not abs(norm - 1.0) <= NORM_TOLERANCE:
        raise InvalidPoseError(
            f'a rotation needs a unit quaternion x y z w; got {quaternion.tolist()} of norm '
            f'{norm:.4f}')
    x, y, z, w = quaternion / norm
    return np.array([
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ])


def pose_from_wxyz(translation_m: Sequence[float], rotation_wxyz: Sequence[float]) -> np.ndarray:
    """
    Return a rigid transform from the notation of nuScenes.

    :param rotation_wxyz: Unit quaternion, the real part first.
    :return: (4, 4) float64, metres.
    :raises InvalidPoseError: if the quaternion is none of a rotation.
    """
    pose = np.eye(4)
    pose[:3, :3] = matrix_from_quaternion(np.roll(np.asarray(rotation_wxyz, float), -1))
    pose[:3, 3] = translation_m
    return pose


def quaternion_from_matrix(rotation: np.ndarray) -> np.ndarray:
    """
    Return the unit quaternion of a rotation matrix.

    The quaternion is the eigenvector of the largest eigenvalue of a symmetric matrix made of
    the rotation's elements (Bar-Itzhack 2000), which has no special cases.

    :return: x, y, z, w with w >= 0, (4,) float64.
    """
    (xx, xy, xz), (yx, yy, yz), (zx, zy, zz) = np.asarray(rotation, dtype=np.float64)
    lower = np.array([
        [xx - yy - zz, 0.0, 0.0, 0.0],
        [yx + xy, yy - xx - zz, 0.0, 0.0],
        [zx + xz, zy + yz, zz - xx - yy, 0.0],
        [zy - yz, xz - zx, yx - xy, xx + yy + zz],
    ]) / 3.0
    quaternion = np.linalg.eigh(lower)[1][:, -1]
    return quaternion if quaternion[3] >= 0 else -quaternion
