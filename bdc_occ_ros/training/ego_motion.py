# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Moves the world of a batch about the vehicle: mirrors, turns and scales all that is in 3D."""

from collections.abc import Sequence

import torch
from torch import Tensor

from bdc_occ_ros.dataset.batch import TrueBoxes


def move_cameras(key_ego_from_camera: Tensor, motions: Tensor) -> Tensor:
    """
    Place the cameras anew.

    :param key_ego_from_camera: (B, N, 4, 4) float64.
    :param motions: Linear maps of the ego frame, (B, 3, 3) float64.
    :return: (B, N, 4, 4) float64; it mirrors where the motion does.
    """
    moved = key_ego_from_camera.clone()
    moved[..., :3, :] = motions[:, None] @ key_ego_from_camera[..., :3, :]
    return moved


def flip_voxels(voxels: Tensor, flips: Sequence[Sequence[bool]]) -> Tensor:
    """
    Mirror grids that lie symmetrically about the vehicle.

    :param voxels: (B, X, Y, Z).
    :param flips: Per sample whether front and rear, and left and right, change places.
    :return: The same shape, a copy.
    """
    return torch.stack([grid.flip([axis for axis, flipped in enumerate(pair) if flipped])
                        for grid, pair in zip(voxels, flips)])


def move_boxes(boxes: Sequence[TrueBoxes], motions: Tensor, scales: Tensor) -> list[TrueBoxes]:
    """
    Move objects.

    :param boxes: One entry per sample.
    :param motions: (B, 3, 3) float64, scale included.
    :param scales: (B,) float64.
    :return: The same objects; headings in -pi to pi, unknown velocities stay unknown.
    """
    return [TrueBoxes(_moved(objects.boxes, motion.float(), scale.float()), objects.labels)
            for objects, motion, scale in zip(boxes, motions, scales)]


def _moved(boxes: Tensor, motion: Tensor, scale: Tensor) -> Tensor:
    """Move the objects of one sample."""
    yaw = boxes[:, 6]
    heading = torch.stack([yaw.cos(), yaw.sin()], dim=1) @ motion[:2, :2].T
    return torch.cat([boxes[:, :3] @ motion.T, boxes[:, 3:6] * scale,
                      torch.atan2(heading[:, 1:], heading[:, :1]),
                      boxes[:, 7:] @ motion[:2, :2].T], dim=1)
