# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Turn camera images into network input: straighten, scale the longer side to its width, keep rows.

The upper rows of a level camera on a car show the sky, so what does not fit is cut there, and what
is missing is added there in black (FlashOcc and BDC do the same with 1600x900 images: scaled by
0.44, rows 140 to 395 kept). Where more than sky would be cut the input gets more rows instead.
"""

from collections.abc import Iterable
import math

import numpy as np
from PIL import Image
import torch
from torch import Tensor

from bdc_occ_ros.geometry.camera_rig import Camera
from bdc_occ_ros.geometry.frustum import Frustum, ImageConfig
from bdc_occ_ros.geometry.undistortion import Undistortion

DECODE_REDUCTIONS = (8, 4, 2, 1)
HEADROOM_M = 2.2  # what stands on the ground is seen up to here,
HEADROOM_FROM_M = 10.0  # from this distance on; nearer, nuScenes' cameras do not see it either


def resized_px(camera: Camera, image: ImageConfig) -> tuple[int, int]:
    """Return the width and height to which images of a camera are scaled."""
    longer_px = max(camera.width_px, camera.height_px)
    return (max(1, round(camera.width_px * image.width_px / longer_px)),
            max(1, round(camera.height_px * image.width_px / longer_px)))


def input_from_image(camera: Camera, image: ImageConfig) -> np.ndarray:
    """
    Return the map from pixels of a camera's straight image to pixels of the network input.

    :return: (3, 3) float64, homogeneous; a shift up is the number of rows that are cut.
    """
    width_px, height_px = resized_px(camera, image)
    return np.array([[width_px / camera.width_px, 0.0, 0.0],
                     [0.0, height_px / camera.height_px, image.height_px - height_px],
                     [0.0, 0.0, 1.0]])


def rig_frustum(frustum: Frustum, cameras: Iterable[Camera]) -> Frustum:
    """
    Return a frustum whose images are as high as the cameras of a rig need.

    Convolutions take any height. The rows of the network's config are enough for a camera of which
    they leave out nothing but sky; others keep all theirs, never more than a square has.
    """
    image, step = frustum.image, frustum.size_step_px
    rows = [image.height_px, *(resized_px(camera, image)[1] for camera in cameras
                               if not _leaves_out_sky_only(camera, frustum))]
    return frustum.with_rows(math.ceil(max(rows) / step) * step)


def _leaves_out_sky_only(camera: Camera, frustum: Frustum) -> bool:
    """Return whether the first row of the input shows the headroom, near and far."""
    to_input = input_from_image(camera, frustum.image) @ camera.intrinsics
    middle = resized_px(camera, frustum.image)[0] / 2, 0.0, 1.0
    ahead, left, up = camera.ego_from_camera[:3, :3] @ np.linalg.solve(to_input, middle)
    above_m = (camera.ego_from_camera[2, 3] - HEADROOM_M) * math.hypot(ahead, left)
    return min(above_m + up * HEADROOM_FROM_M, above_m + up * frustum.depth.stop_m) >= 0


def decode_reduction(camera: Camera, config: ImageConfig) -> int:
    """
    Return the largest reduction at which a JPEG decoder still gives enough pixels.

    Decoders can leave out the fine frequencies and return 1/2, 1/4 or 1/8 of the size in a
    fraction of the time; the image may shrink until its longer side is the network input's width.

    :return: 8, 4, 2 or 1; 1 also where the camera is smaller than the input.
    """
    longer_px = max(camera.width_px, camera.height_px)
    return next((reduction for reduction in DECODE_REDUCTIONS
                 if longer_px >= reduction * config.width_px), 1)


class Preprocessor:
    """
    Turn one camera's images into its share of the network input.

    The first visible row of the camera's straight image is `first_row_px`.

    :param camera: At the size in which its images come.
    """

    def __init__(self, camera: Camera, config: ImageConfig) -> None:
        self.undistortion = Undistortion(camera)
        self.input_from_image = input_from_image(camera, config)
        self._resized_px = resized_px(camera, config)
        self._input_px = (config.width_px, config.height_px)
        self.first_row_px = max(0.0, -self.input_from_image[1, 2] / self.input_from_image[1, 1])

    def __call__(self, image: np.ndarray) -> np.ndarray:
        """
        Straighten, scale and crop one image.

        :param image: RGB image of the camera, (H, W, 3) uint8.
        :return: RGB image of the network's size, (height_px, width_px, 3) uint8, bicubic.
        """
        straight = Image.fromarray(self.undistortion(image))
        resized = straight.resize(self._resized_px, Image.BICUBIC)
        width_px, height_px = self._input_px
        top = self._resized_px[1] - height_px
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
