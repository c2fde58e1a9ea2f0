# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Compute the camera visibility mask of voxels, as Occ3D defines it.

Only rays that end in an occupied voxel of the grid observe: the voxels they cross as free, the
one they end in as occupied. A free voxel is observed where its centre is in an image, in front
of the first surface there, and that surface lies within the grid. An occupied voxel is observed
where a free voxel next to it, on the side of the cameras, is in front of the surface: that is
the face through which rays enter it.
"""

import torch
from torch import Tensor

from bdc_occ_ros.classes import FREE_LABEL
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.world.voxelization import GRID

NEAREST_M = 0.1
COLUMNS_AT_ONCE = {'cpu': 1 << 12, 'cuda': 1 << 20}
TOLERANCE_M = 0.1
GROUND_BELOW_M = 0.2  # in the frame of the vehicle


def observed_voxels(classes: Tensor, inverse_depth_per_m: Tensor, intrinsics: Tensor,
                    ego_from_camera: Tensor, grid: VoxelGrid = GRID) -> Tensor:
    """
    Return which voxels at least one of the cameras observes.

    Letters: B labels, N cameras, h w rows and columns of the depth images.

    :param classes: Class per voxel, (B, X, Y, Z) uint8.
    :param inverse_depth_per_m: One over the depth along the optical axis, (B, N, h, w) float32,
        0 for the sky; read between its pixels, which is exact on planes.
    :param intrinsics: Camera matrices of these images, (B, N, 3, 3).
    :param ego_from_camera: Poses of the cameras at their exposures in the frame of the label,
        (B, N, 4, 4), metres.
    :return: (B, X, Y, Z) bool.
    """
    device = classes.device
    is_free = classes == FREE_LABEL
    poses = ego_from_camera.to(device, torch.float64)
    projections = intrinsics.to(device, torch.float64) @ torch.linalg.inv(poses)[..., :3, :]
    in_front, ending = _in_front(inverse_depth_per_m, projections.float(),
                                 poses[..., :3, 3].float(), grid)
    beside = [_beside(seen, viewpoint_m, grid) for seen, viewpoint_m in zip(
        (in_front & is_free).split(1), poses[..., :3, 3].mean(dim=1).tolist())]
    return torch.where(is_free, ending, torch.cat(beside))


def _in_front(inverse_depth: Tensor, projections: Tensor, origins_m: Tensor, grid: VoxelGrid
              ) -> tuple[Tensor, Tensor]:
    """
    Return which centres are in front of a surface, and in front of one within the grid.

    Only the columns of voxels that cross an image are looked at, all their heights at once.
    """
    num_labels, num_cameras, _, width = inverse_depth.shape
    device = inverse_depth.device
    centers_m = tuple(low + (torch.arange(count, device=device) + 0.5) * size for low, count, size
                      in zip(grid.lower_m, grid.shape, grid.cell_size_m))
    x_m, y_m, z_m = centers_m
    base = (projections[..., 0, None, None] * x_m[:, None] + projections[..., 1, None, None] * y_m
            + projections[..., 3, None, None]).flatten(3)  # (B, N, 3, X * Y)
    lowest, highest = (base + z * projections[..., 2, None] for z in (z_m[0], z_m[-1]))
    both = torch.zeros(2, num_labels * base.shape[3], grid.shape[2], dtype=torch.bool,
                       device=device)
    crossing = _crossing(lowest, highest, width)
    for camera in range(num_cameras):
        label, column = crossing[:, camera].nonzero().unbind(1)
        for some in range(0, len(label), COLUMNS_AT_ONCE[device.type]):
            part = slice(some, some + COLUMNS_AT_ONCE[device.type])
            mine, place = label[part], column[part]
            projected = (base[mine, camera, :, place][..., None]
                         + projections[mine, camera, :, 2, None] * z_m)  # (M, 3, Z)
            x_y_z_m = (x_m[place // grid.shape[1], None], y_m[place % grid.shape[1], None], z_m)
            both[:, mine * base.shape[3] + place] |= _seen(
                projected, inverse_depth[:, camera], mine, origins_m[mine, camera], x_y_z_m, grid)
    in_front, ends = both.view(2, num_labels, *grid.shape)
    return in_front, ends


def _seen(projected: Tensor, inverse_depth: Tensor, label: Tensor, origin_m: Tensor,
          centers_m: tuple[Tensor, Tensor, Tensor], grid: VoxelGrid) -> Tensor:
    """Return whether columns of centres are in front, and end within the grid, (2, M, Z)."""
    _, height, width = inverse_depth.shape
    depth_m = projected[:, 2].clamp(min=NEAREST_M)
    u, v = projected[:, 0] / depth_m, projected[:, 1] / depth_m
    in_image = ((projected[:, 2] > NEAREST_M) & (u >= 0) & (u <= width) & (v >= 0)
                & (v <= height))
    surface = _between_pixels(inverse_depth, label, u, v)
    in_front = in_image & ((depth_m - TOLERANCE_M) * surface <= 1)
    reach = (depth_m * surface).clamp(min=1e-6).reciprocal()
    ends = in_front & (surface > 0) & _ends_within(reach, origin_m, centers_m, grid)
    return torch.stack([in_front, ends])


def _ends_within(reach: Tensor, origin_m: Tensor, centers_m: tuple[Tensor, Tensor, Tensor],
                 grid: VoxelGrid) -> Tensor:
    """
    Return which rays end within the grid, given how far they go in multiples of the way, (M, Z).

    Rays through the lower half of a voxel meet the ground earlier than that through its centre.
    """
    drop_m = origin_m[:, 2:] - centers_m[2]
    is_ground = origin_m[:, 2:] - drop_m * reach < GROUND_BELOW_M
    half_m = grid.cell_size_m[2] / 2
    reach = torch.where(is_ground & (drop_m > 0), reach * drop_m / (drop_m + half_m), reach)
    within = torch.ones_like(is_ground)
    for axis, center_m in enumerate(centers_m):
        start_m = origin_m[:, axis, None]
        end_m = start_m + (center_m - start_m) * reach
        within &= (end_m >= grid.lower_m[axis]) & (end_m <= grid.upper_m[axis])
    return within


def _crossing(lowest: Tensor, highest: Tensor, width: int) -> Tensor:
    """Return which columns may cross an image, from the projections of their ends, (B, N, C)."""
    ahead = torch.maximum(lowest[:, :, 2], highest[:, :, 2]) > NEAREST_M
    left = (lowest[:, :, 0] < 0) & (highest[:, :, 0] < 0)
    right = ((lowest[:, :, 0] > width * lowest[:, :, 2])
             & (highest[:, :, 0] > width * highest[:, :, 2]))
    return ahead & ~left & ~right


def _between_pixels(images: Tensor, label: Tensor, u: Tensor, v: Tensor) -> Tensor:
    """
    Return bilinear values of the images of some labels, (M, Z).

    A pixel covers one unit of u and v; its value belongs to its middle.
    """
    _, height, width = images.shape
    u, v = u - 0.5, v - 0.5
    column, row = (x.floor().clamp(0, last - 2) for x, last in ((u, width), (v, height)))
    right, down = (u - column).clamp(0, 1), (v - row).clamp(0, 1)
    corner = label[:, None] * (height * width) + (row * width + column).long()
    flat = images.reshape(-1)
    above = torch.lerp(flat[corner], flat[corner + 1], right)
    below = torch.lerp(flat[corner + width], flat[corner + width + 1], right)
    return torch.lerp(above, below, down)


def _beside(is_seen: Tensor, viewpoint_m: list[float], grid: VoxelGrid) -> Tensor:
    """Return the voxels next to what is seen, on the far side of it, (B, X, Y, Z) bool."""
    beside = torch.zeros_like(is_seen)
    for axis in range(3):
        count = grid.shape[axis]
        split = int((viewpoint_m[axis] - grid.lower_m[axis]) / grid.cell_size_m[axis])
        split = min(max(split, 0), count - 1)
        beyond, before = count - 1 - split, split
        beside.narrow(axis + 1, split + 1, beyond).logical_or_(
            is_seen.narrow(axis + 1, split, beyond))
        beside.narrow(axis + 1, 0, before).logical_or_(is_seen.narrow(axis + 1, 1, before))
    return beside
