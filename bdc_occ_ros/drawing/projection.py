# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Points, lines and outlines in a camera's frame as pixels of its image."""

import numpy as np

from bdc_occ_ros.datatypes import Frame

NEAR_M = 0.3
SUBPIXEL_BITS = 4
_FARTHEST_PX = 1e5


def camera_from_ego(frame: Frame, name: str, fixed_from_ego: np.ndarray | None = None
                    ) -> np.ndarray:
    """
    Return where an ego frame lies as seen by a camera at its own exposure, motion included.

    :param frame: Has the mounts, and the ego pose at every exposure if it is known.
    :param fixed_from_ego: Pose of the ego frame that points are given in, (4, 4), metres, in the
        fixed frame of the frame's own poses; that of the key camera's exposure if None.
    :return: (4, 4), metres.
    """
    result = np.linalg.inv(frame.rig[name].ego_from_camera)
    if frame.fixed_from_ego is None:
        return result
    if fixed_from_ego is None:
        fixed_from_ego = frame.fixed_from_ego[frame.rig.key_camera]
    return result @ np.linalg.inv(frame.fixed_from_ego[name]) @ fixed_from_ego


def moved(points_m: np.ndarray, pose: np.ndarray) -> np.ndarray:
    """
    Return points in another frame.

    :param points_m: (..., 3).
    :param pose: Pose of their frame in the other, (4, 4).
    """
    return points_m @ pose[:3, :3].T + pose[:3, 3]


def pixels_of(points_m: np.ndarray, intrinsics: np.ndarray) -> np.ndarray:
    """
    Return where points appear.

    :param points_m: In the camera's frame, in front of it, (..., 3).
    :param intrinsics: Camera matrix, (3, 3), pixels; pixel 0 0 covers 0 to 1.
    :return: Column and row, (..., 2), in the same sense.
    """
    pixels = points_m @ intrinsics.T
    return pixels[..., :2] / pixels[..., 2:]


def fixed_point(pixels: np.ndarray) -> np.ndarray:
    """
    Return positions in an image as OpenCV takes them with shift SUBPIXEL_BITS.

    To OpenCV the centre of pixel 0 0 is 0 0. What is far outside is clipped.

    :param pixels: As pixels_of returns them.
    """
    near = np.clip(pixels - 0.5, -_FARTHEST_PX, _FARTHEST_PX)
    return np.rint(near * 2**SUBPIXEL_BITS).astype(np.int32)


def cut_at_camera(outline_m: np.ndarray) -> np.ndarray:
    """
    Cut off what lies nearer than NEAR_M or behind the camera.

    :param outline_m: Corners of a convex outline in the camera's frame, in order, (n, 3); two are
        a line.
    :return: Corners of the rest, (m, 3); none if nothing is left.
    """
    kept = []
    for start, stop in zip(outline_m, np.roll(outline_m, -1, axis=0)):
        if start[2] >= NEAR_M:
            kept.append(start)
        if (start[2] < NEAR_M) != (stop[2] < NEAR_M):
            kept.append(start + (NEAR_M - start[2]) / (stop[2] - start[2]) * (stop - start))
    return np.array(kept).reshape(-1, 3)
