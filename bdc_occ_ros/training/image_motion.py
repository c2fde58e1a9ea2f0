# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Move the pictures of a batch: scale, crop, flip and rotation as one matrix per camera.

A motion maps pixels of the network input to pixels of the augmented one, homogeneous; pixel
centres have whole coordinates, so that a mirrored column u comes to lie at W - 1 - u exactly.
"""

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

GRAY_WEIGHTS = (0.299, 0.587, 0.114)  # ITU-R BT.601


def image_motions(scales: np.ndarray, places: np.ndarray, flips: np.ndarray,
                  angles_rad: np.ndarray, height_px: int, width_px: int) -> np.ndarray:
    """
    Return what happens to pictures that are scaled, cropped, mirrored and turned in this order.

    The lowest row stays where it is, as everywhere in preprocessing; what does not fit is cut at
    the top and at the sides.

    :param scales: Factors, (...).
    :param places: Which part of the width is kept, or where the narrower picture lies: 0 its
        left end, 1 its right end, (...).
    :param flips: Whether left and right change places, (...) bool.
    :param angles_rad: About the centre, counterclockwise as the picture is looked at, (...).
    :return: (..., 3, 3) float64.
    """
    last_u, last_v = width_px - 1, height_px - 1
    scaling = _matrices(scales.shape)
    scaling[..., 0, 0] = scaling[..., 1, 1] = scales
    scaling[..., 0, 2] = (1 - scales) * places * last_u
    scaling[..., 1, 2] = (1 - scales) * last_v
    mirror = _matrices(scales.shape)
    mirror[..., 0, 0] = np.where(flips, -1.0, 1.0)
    mirror[..., 0, 2] = np.where(flips, last_u, 0.0)
    turn, to_center = _matrices(scales.shape), np.eye(3)
    turn[..., 0, 0] = turn[..., 1, 1] = np.cos(angles_rad)
    turn[..., 0, 1], turn[..., 1, 0] = np.sin(angles_rad), -np.sin(angles_rad)
    to_center[:2, 2] = -last_u / 2, -last_v / 2
    return np.linalg.inv(to_center) @ turn @ to_center @ mirror @ scaling


def warp_images(images: Tensor, motions: Tensor, colors: Tensor, contrasts: Tensor) -> Tensor:
    """
    Move pictures and change their colours.

    :param images: RGB, (B, N, H, W, 3) uint8.
    :param motions: (B, N, 3, 3) float64.
    :param colors: What a colour is multiplied by, (B, N, 3, 3).
    :param contrasts: Spread about the picture's mean brightness, (B, N).
    :return: The same shape and type, bilinear; black where the picture does not reach.
    """
    height, width = images.shape[2:4]
    pictures = images.flatten(0, 1).movedim(-1, 1).float()
    gray = pictures.new_tensor(GRAY_WEIGHTS) @ pictures.mean(dim=(2, 3)).unsqueeze(-1)
    spread = contrasts.float().reshape(-1, 1, 1)
    color = colors.float().reshape(-1, 3, 3)
    offsets = (1 - spread) * (color @ gray.unsqueeze(-1).expand(-1, 3, 1))
    changed = torch.baddbmm(offsets, spread * color, pictures.flatten(2)).view_as(pictures)
    to_unit = motions.new_tensor([[2 / (width - 1), 0, -1], [0, 2 / (height - 1), -1], [0, 0, 1]])
    source_from_target = (to_unit @ torch.linalg.inv(motions.flatten(0, 1))
                          @ torch.linalg.inv(to_unit))
    moved = functional.grid_sample(changed, _grids(source_from_target[:, :2].float(), height,
                                                   width), align_corners=True)
    return moved.round_().clamp_(0, 255).byte().movedim(1, -1).contiguous().view_as(images)


def warp_depths(depths_m: Tensor, motions: Tensor, stride_px: int) -> Tensor:
    """
    Move depth maps with their pictures, to the nearest cell.

    :param depths_m: (B, N, h, w) float32; 0 where nothing is known.
    :param motions: (B, N, 3, 3) float64, pixels.
    :param stride_px: Pixels per cell.
    :return: The same shape; 0 where the picture does not reach.
    """
    rows, columns = depths_m.shape[2:]
    to_cell = motions.new_tensor([[1 / stride_px, 0, (0.5 - stride_px / 2) / stride_px],
                                  [0, 1 / stride_px, (0.5 - stride_px / 2) / stride_px],
                                  [0, 0, 1]])  # the centre of cell 0 is pixel (stride - 1) / 2
    source_from_target = to_cell @ torch.linalg.inv(motions) @ torch.linalg.inv(to_cell)
    v, u = torch.meshgrid(torch.arange(rows, device=motions.device, dtype=motions.dtype),
                          torch.arange(columns, device=motions.device, dtype=motions.dtype),
                          indexing='ij')
    target = torch.stack([u, v, torch.ones_like(u)]).flatten(1)  # (3, h w)
    column, row = (source_from_target @ target)[..., :2, :].round().long().unbind(-2)
    inside = (column >= 0) & (column < columns) & (row >= 0) & (row < rows)
    index = torch.where(inside, row * columns + column, 0)
    moved = depths_m.flatten(2).gather(2, index)
    return torch.where(inside, moved, 0.0).view_as(depths_m)


def _grids(matrices: Tensor, height: int, width: int) -> Tensor:
    """Return where every pixel comes from on the scale -1 to 1, (M, H, W, 2), by (M, 2, 3)."""
    rows, columns = (torch.linspace(-1, 1, count, device=matrices.device)[:, None]
                     for count in (height, width))
    by_row = rows * matrices[:, None, :, 1] + matrices[:, None, :, 2]  # (M, H, 2)
    by_column = columns * matrices[:, None, :, 0]
    return by_row[:, :, None] + by_column[:, None]


def _matrices(shape: tuple[int, ...]) -> np.ndarray:
    """Return identities, (..., 3, 3)."""
    return np.tile(np.eye(3), (*shape, 1, 1))
