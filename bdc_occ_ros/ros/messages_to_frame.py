# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The images of one set as a frame, each with the calibration of the size it was decoded to."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.errors import InvalidImageError
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.ros.image_decoding import (
    decode_image,
    encoding_remark,
    image_size_px,
    ImageMessage,
)


@dataclass(frozen=True, eq=False)
class DecodedImage:
    """
    Pixels and the calibration that belongs to them.

    :param pixels: RGB, (H, W, 3) uint8.
    :param camera: Calibration for this size.
    :param remark: What had to be assumed about the image, or empty.
    """

    pixels: np.ndarray
    camera: Camera
    remark: str = ''


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
                      decode_reduction: Callable[[Camera], int]) -> DecodedImage:
    """
    Decode an image no finer than needed; may be called from several threads.

    :param camera: Calibration of the camera.
    :param decode_reduction: Says by how much a JPEG may be reduced: 1, 2, 4 or 8.
    :return: The pixels with the camera of their size.
    :raises InvalidImageError: if the image is damaged, of an unknown encoding or of a size that
        the calibration does not fit.
    """
    full = camera_of_size(camera, *image_size_px(message, camera.name))
    remark = '; '.join(filter(None, (encoding_remark(message), _size_remark(camera, full))))
    reduction = decode_reduction(full)
    pixels = decode_image(message, camera.name, reduction)
    height_px, width_px = pixels.shape[:2]
    if (width_px, height_px) == (full.width_px, full.height_px):
        return DecodedImage(pixels, full, remark)
    # a size that is no multiple is rounded up by the decoder, the scale stays exact
    shrink = np.diag((1.0 / reduction, 1.0 / reduction, 1.0))
    reduced = replace(full, width_px=width_px, height_px=height_px,
                      intrinsics=shrink @ full.intrinsics)
    return DecodedImage(pixels, reduced, remark)


def _size_remark(calibrated: Camera, used: Camera) -> str:
    """Return that intrinsics were scaled, if they were."""
    if used is calibrated:
        return ''
    return (f'images are {used.width_px}x{used.height_px}, the calibration belongs to '
            f'{calibrated.width_px}x{calibrated.height_px}; its intrinsics are scaled')


class FrameAssembler:
    """
    Puts decoded images together to frames of one rig.

    It remembers the size in which every camera came, so that the rig, and with it the geometry
    computed from it, stays the same when a camera is missing.

    :param rig: Calibration of all cameras.
    """

    def __init__(self, rig: CameraRig) -> None:
        self._rig = rig

    def frame(self, images: Mapping[str, DecodedImage], stamps_ns: Mapping[str, int],
              stamp_ns: int, fixed_from_ego: Mapping[str, np.ndarray] | None) -> Frame:
        """
        Make a frame.

        :param images: Decoded images by camera name; missing cameras are left out.
        :param stamps_ns: Exposure time of each of them.
        :param stamp_ns: Exposure time of the key camera.
        :param fixed_from_ego: Ego poses by camera name, or None.
        :return: The frame; its rig is the same object as long as no image changes its size.
        :raises InvalidFrameError: if names do not fit together.
        :raises InvalidCalibrationError: if an image's camera is not in the rig.
        """
        if any(self._rig[name].fingerprint != image.camera.fingerprint
               for name, image in images.items()):
            sized = {name: image.camera for name, image in images.items()}
            self._rig = CameraRig(
                tuple(sized.get(camera.name, camera) for camera in self._rig.cameras),
                self._rig.key_camera)
        return Frame(images={name: image.pixels for name, image in images.items()},
                     stamps_ns=stamps_ns, rig=self._rig, stamp_ns=stamp_ns,
                     fixed_from_ego=fixed_from_ego)
