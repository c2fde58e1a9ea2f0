# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A small world made by hand, and the plain way to what the fast code works out for it."""

from dataclasses import replace
from functools import cache

import numpy as np
import torch

from bdc_occ_ros.world.scene import Scene
from bdc_occ_ros.world.solids import Solids


def solids_of(*rows):
    """Return solids from rows of centre, half sizes, yaw, shape, label and instance."""
    columns = list(zip(*rows))
    floats = [torch.tensor(column, dtype=torch.float32) for column in columns[:3]]
    shape, label, instance = (torch.tensor(column) for column in columns[3:])
    count = len(rows)
    return Solids(*floats, shape, label, instance, torch.zeros(count, dtype=torch.long),
                  torch.full((count, 3), 0.5))


@cache
def open_scene():
    """Return a scene; only its ground and light are wanted."""
    return Scene.from_seed(3)


def state_of(solids):
    """Return a world with some ground and nothing but these solids."""
    return replace(open_scene().state_at(1.0), solids=solids)


def forward_pose(x_m=0.0, y_m=0.0, z_m=1.5):
    """Return the pose of a camera that looks along x."""
    pose = np.eye(4)
    pose[:3, :3] = (0, 0, 1), (-1, 0, 0), (0, -1, 0)
    pose[:3, 3] = x_m, y_m, z_m
    return pose


def holds(solids, number, points_m, grow_m=(0.0, 0.0, 0.0)):
    """Return which points lie in one solid, (P,) bool, straight from the definition."""
    half = solids.half_m[number].double().numpy() + grow_m
    yaw = float(solids.yaw_rad[number])
    x, y, z = (points_m - solids.center_m[number].double().numpy()).T
    x, y = np.cos(yaw) * x + np.sin(yaw) * y, np.cos(yaw) * y - np.sin(yaw) * x
    x, y, z = x / half[0], y / half[1], z / half[2]
    high = np.abs(z) <= 1
    radius2 = (None, 1 - z * z, np.ones_like(z), ((1 - z) / 2) ** 2)[solids.shape[number]]
    if radius2 is None:
        return high & (np.abs(x) <= 1) & (np.abs(y) <= 1)
    return high & (x * x + y * y <= radius2)


def walked(occupied, origin_m, targets_m, lower_m, cell_m):
    """
    Walk from a point to others through the voxels between, face by face.

    :return: The flat index of the first occupied voxel on each way, or -1, and all free voxels
        before it, as lists.
    """
    ends, crossed = [], []
    for target_m in targets_m:
        position = (origin_m - lower_m) / cell_m
        direction = (target_m - origin_m) / cell_m
        voxel = np.floor(position).astype(int)
        last = np.floor((target_m - lower_m) / cell_m).astype(int)
        step = np.sign(direction).astype(int)
        with np.errstate(divide='ignore', invalid='ignore'):
            pace = np.where(step == 0, np.inf, 1 / np.abs(direction))
            until = np.where(step == 0, np.inf, (voxel + (step > 0) - position) / direction)
        free, end = [], -1
        while ((voxel >= 0) & (voxel < occupied.shape)).all():
            flat = np.ravel_multi_index(voxel, occupied.shape)
            if occupied[tuple(voxel)]:
                end = flat
                break
            free.append(flat)
            if (voxel == last).all():
                break
            axis = int(np.argmin(until))
            voxel[axis] += step[axis]
            until[axis] += pace[axis]
        ends.append(end)
        crossed.append(free)
    return ends, crossed
