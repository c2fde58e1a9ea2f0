# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Turn camera images into network input: straighten, scale to its width, keep the lower rows.

The upper rows of a camera on a vehicle show the sky, so what does not fit is cut there, and what
is missing is added there in black (FlashOcc and BDC do the same with 1600x900 images: scaled by
0.44, rows 140 to 395 kept).
"""

import numpy as np
from PIL import Image
import torch
from torch import Tensor

from bdc_occ_ros.geometry.camera_rig import Camera
from bdc_occ_ros.geometry.frustum import ImageConfig
from bdc_occ_ros.geometry.undistortion import Undistortion

DECODE_REDUCTIONS = (8, 4, 2, 1)


def decode_reduction(camera: Camera, config: ImageConfig) -> int:
    """
    Return the largest reduction at which a JPEG decoder still gives enough pixels.

    Decoders can leave out the fine frequencies and return 1/2, 1/4 or 1/8 of the size in a
    fraction of the time; the image may shrink until its width is that of the network input.

    :return: 8, 4, 2 or 1; 1 also where the camera is smaller than the input.
    """
    return next((reduction for reduction in DECODE_REDUCTIONS
                 if camera.width_px >= reduction * config.width_px), 1)


class Preprocessor:
    """
    Turn one camera's images into its share of the network input.

    `input_from_image` maps pixels of the camera's straight image to pixels of the network input,
    (3, 3) float64, homogeneous; the first visible row of both is `first_row_px` in the former.

    :param camera: At the size in which its images come.
    """

    def __init__(self, camera: Camera, config: ImageConfig) -> None:
        self.undistortion = Undistortion(camera)
        self._resized_height_px = max(
            1, round(camera.height_px * config.width_px / camera.width_px))
        self._input_size_px = (config.width_px, config.height_px)
        self._num_cut_rows = self._resized_height_px - config.height_px
        scale_x = config.width_px / camera.width_px
        scale_y = self._resized_height_px / camera.height_px
        self.input_from_image = np.array([
            [scale_x, 0.0, 0.0], [0.0, scale_y, -self._num_cut_rows], [0.0, 0.0, 1.0]])
        self.first_row_px = max(0.0, self._num_cut_rows / scale_y)

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """
        Straighten, scale and crop one image.

        :param image: RGB image of the camera, (H, W, 3) uint8.
        :return: RGB image of the network's size, (height_px, width_px, 3) uint8, bicubic.
        """
        straight = Image.fromarray(self.undistortion(image))
        width_px, height_px = self._input_size_px
        resized = straight.resize((width_px, self._resized_height_px), Image.BICUBIC)
        top = self._num_cut_rows
        return np.asarray(resized.crop((0, top, width_px, top + height_px)))


def normalize_images(images: Tensor, config: ImageConfig) -> Tensor:
    """
    Turn the bytes of images into the numbers that the first layer expects.

    :param images: RGB images, (..., H, W, 3) uint8.
    :param config: Channel order, mean and std; the published networks take BGR with numbers that
        were made for RGB, which their weights have learned to expect.
    :return: (..., 3, H, W) float32, contiguous.
    """
    ordered = images.flip(-1) if config.channel_order == 'bgr' else images
    mean = torch.tensor(config.mean, device=images.device).view(3, 1, 1)
    std = torch.tensor(config.std, device=images.device).view(3, 1, 1)
    return ordered.movedim(-1, -3).contiguous().float().sub_(mean).div_(std)
