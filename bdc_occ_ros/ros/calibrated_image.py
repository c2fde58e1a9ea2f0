# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""An image together with the calibration of the size to which it was decoded."""

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import replace

import numpy as np

from bdc_occ_ros.datatypes import Camera
from bdc_occ_ros.errors import InvalidImageError
from bdc_occ_ros.ros.image_decoding import decode_image
from bdc_occ_ros.ros.image_decoding import image_size_px
from bdc_occ_ros.ros.image_decoding import ImageMessage


@dataclass(frozen=True, eq=False)
class CalibratedImage:
    """
    Pixels and the calibration that belongs to them.

    :param pixels: RGB, (H, W, 3) uint8.
    :param camera: Calibration for this size.
    """

    pixels: np.ndarray
    camera: Camera


def camera_of_size(camera: Camera, width_px: int, height_px: int) -> Camera:
    """
    Return a camera for images of the size in which they came.

    :param camera: Calibration, perhaps made at another resolution.
    :param width_px: Width of the images.
    :param height_px: Height of the images.
    :raises InvalidImageError: if the images have another aspect ratio than the calibration.
    """
    if (width_px, height_px) == (camera.width_px, camera.height_px):
        return camera
    if abs(width_px - height_px * camera.width_px / camera.height_px) > 1.0:
        raise InvalidImageError(
            f'{camera.name}: the image is {width_px}x{height_px}, but the calibration belongs to '
            f'{camera.width_px}x{camera.height_px}, which is another shape. Publish the '
            'camera_info of these images, with region of interest and binning')
    return camera.resized(width_px, height_px)


def decode_for_camera(message: ImageMessage, camera: Camera,
                      decode_reduction: Callable[[Camera], int]) -> CalibratedImage:
    """
    Decode an image no finer than needed; may be called from several threads.

    :param message: The image.
    :param camera: Calibration of the camera.
    :param decode_reduction: Says by how much a JPEG may be reduced: 1, 2, 4 or 8.
    :return: The pixels with the camera of their size.
    :raises InvalidImageError: if the image is damaged, of an unknown encoding or of a size that
        the calibration does not fit.
    """
    full = camera_of_size(camera, *image_size_px(message, camera.name))
    reduction = decode_reduction(full)
    pixels = decode_image(message, camera.name, reduction)
    height_px, width_px = pixels.shape[:2]
    if (width_px, height_px) == (full.width_px, full.height_px):
        return CalibratedImage(pixels, full)
    # a size that is no multiple is rounded up by the decoder, the scale stays exact
    shrink = np.diag((1.0 / reduction, 1.0 / reduction, 1.0))
    return CalibratedImage(pixels, replace(full, width_px=width_px, height_px=height_px,
                                        intrinsics=shrink @ full.intrinsics))
