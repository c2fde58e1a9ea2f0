# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Straighten the images of a distorted camera, so that all that follows may assume a pinhole.

The straight image keeps the size and the camera matrix of the distorted one.
"""

import cv2
import numpy as np

from bdc_occ_ros.geometry.camera_rig import Camera

NUM_RADIUS_SAMPLES = 4096


def distorted_radius(camera: Camera, radius: np.ndarray) -> np.ndarray:
    """
    Return how far from the centre a distorted camera draws what a pinhole draws at a radius.

    Only the radial terms count (plumb_bob and rational_polynomial: Brown's model in OpenCV's
    order k1 k2 p1 p2 k3 k4 k5 k6; equidistant: Kannala and Brandt 2006, four terms).

    :param radius: Distance from the optical axis at unit depth, any shape.
    :return: The distorted distance, of the same shape.
    """
    coefficients = np.zeros(8)
    coefficients[:len(camera.distortion[:8])] = camera.distortion[:8]
    if camera.distortion_model == 'equidistant':
        angle = np.arctan(radius)
        return angle * np.polynomial.Polynomial((1.0, *coefficients[:4]))(angle ** 2)
    k1, k2, _, _, k3, k4, k5, k6 = coefficients
    numerator = np.polynomial.Polynomial((1.0, k1, k2, k3))
    denominator = np.polynomial.Polynomial((1.0, k4, k5, k6))
    return radius * numerator(radius ** 2) / denominator(radius ** 2)


def largest_valid_radius(camera: Camera, limit: float) -> float:
    """
    Return up to which radius the distortion model is one to one.

    A polynomial fitted to the image turns back somewhere outside; beyond that radius it would
    show the same picture a second time, in a wrong direction.
    """
    radius = np.linspace(0.0, limit, NUM_RADIUS_SAMPLES)
    with np.errstate(divide='ignore', invalid='ignore'):
        is_rising = np.diff(distorted_radius(camera, radius)) > 0
    return limit if is_rising.all() else float(radius[np.argmin(is_rising)])


class Undistortion:
    """
    Straighten the images of one camera with maps that are worked out once.

    :param camera: One without distortion makes this do nothing.
    """

    def __init__(self, camera: Camera) -> None:
        self._maps: tuple[np.ndarray, np.ndarray] | None = None
        self.is_filled: np.ndarray | None = None
        if camera.is_distorted:
            make_maps = (
                cv2.fisheye.initUndistortRectifyMap if camera.distortion_model == 'equidistant'
                else cv2.initUndistortRectifyMap)
            columns, rows = make_maps(  # of every straight pixel, in the distorted image
                camera.intrinsics, camera.distortion, np.eye(3), camera.intrinsics,
                (camera.width_px, camera.height_px), cv2.CV_32FC1)
            skew, fy, cy = camera.intrinsics[(0, 1, 1), (1, 1, 2)]
            columns += skew / fy * (rows - cy)  # OpenCV leaves it out where it bends
            self.is_filled = _filled_pixels(camera, columns, rows)
            columns[~self.is_filled] = rows[~self.is_filled] = -1.0
            self._maps = cv2.convertMaps(columns, rows, cv2.CV_16SC2)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """
        Return the straight image.

        :param image: Image of the camera, (H, W, 3) uint8.
        :return: The same array without distortion to undo; else a new one of the same shape,
            bilinear, black where the camera saw nothing (`is_filled` is False there).
        """
        if self._maps is None:
            return image
        return cv2.remap(image, *self._maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)


def _filled_pixels(camera: Camera, columns: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """Return which straight pixels show something that the camera saw there, (H, W) bool."""
    inside = ((columns >= 0) & (columns <= camera.width_px - 1)
              & (rows >= 0) & (rows <= camera.height_px - 1))
    (fx, skew, cx), (_, fy, cy), _ = camera.intrinsics
    down = (np.arange(camera.height_px)[:, None] - cy) / fy
    radius = np.hypot((np.arange(camera.width_px) - cx - skew * down) / fx, down)
    return inside & (radius < largest_valid_radius(camera, float(radius.max()) + 1e-6))
