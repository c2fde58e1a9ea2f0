# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Voxelize a world: by the solid that holds the centre of a voxel, and where the ground passes.

Solids that are thinner than a voxel are widened until at least one centre lies within, so that
poles and cones appear. Things win over stuff, later solids over earlier ones, solids over ground.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from bdc_occ_ros.classes import FREE_LABEL, GROUND_LABELS
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.world.ground import sample_ground, stack_plans
from bdc_occ_ros.world.scene_state import SceneState
from bdc_occ_ros.world.solids import Shape, Solids

GRID = VoxelGrid()
FIRST_STUFF = GROUND_LABELS[0]
THINNEST_HALF_M = (0.285, 0.285, 0.2)  # a post anywhere, however turned, holds a centre
ROUNDING_M = 0.02  # what stands on the ground reaches the centres at the height of the ground
CHECKED_AT_ONCE = {'cpu': 1 << 16, 'cuda': 1 << 23}


def voxelize(states: Sequence[SceneState], ego_from_world: Tensor, grid: VoxelGrid = GRID
             ) -> Tensor:
    """
    Label the voxels around the vehicle at several instants.

    :param states: B, on one device.
    :param ego_from_world: Pose of the world in the frame of every label, (B, 4, 4), metres; the
        vehicle may pitch and roll a little.
    :return: Class per voxel, (B, X, Y, Z) uint8, on the device of the states.
    """
    device = states[0].solids.center_m.device
    ego_from_world = ego_from_world.to(device)
    solids = Solids.joined([state.solids for state in states])
    counts = torch.tensor([len(state.solids) for state in states], device=device)
    sample = torch.arange(len(states), device=device).repeat_interleave(
        counts, output_size=len(solids))
    winner = _winners(solids, sample, ego_from_world, grid, len(states))
    label_of = torch.cat([solids.label.new_tensor([FREE_LABEL]), solids.label,
                          solids.label]).to(torch.uint8)
    classes = label_of[winner].view(len(states), *grid.shape)
    _lay_ground(classes, states, ego_from_world, grid)
    return classes


def _winners(solids: Solids, sample: Tensor, ego_from_world: Tensor, grid: VoxelGrid,
             num_samples: int) -> Tensor:
    """
    Return which solid every voxel belongs to, (B * X * Y * Z,) int32.

    0 stands for none, then come the solids that are stuff, then, once more, all as things.
    """
    device = sample.device
    shape = torch.tensor(grid.shape, device=device)
    table, first, extent = _placed(solids, sample, ego_from_world, grid, shape)
    number = torch.arange(1, len(solids) + 1, device=device)
    rank = torch.where(solids.label < FIRST_STUFF, number + len(solids), number).int()
    kept = (extent > 0).all(dim=1).nonzero()[:, 0]
    table, first, extent, rank = table[kept], first[kept], extent[kept], rank[kept]
    volume = extent.prod(dim=1)
    end = volume.cumsum(0)
    start = end - volume
    base = sample[kept] * shape.prod()
    total = int(end[-1]) if len(end) else 0
    owner = torch.arange(len(kept), device=device).repeat_interleave(volume, output_size=total)
    winner = torch.zeros(num_samples * int(shape.prod()), dtype=torch.int32, device=device)
    step = CHECKED_AT_ONCE[device.type]
    for begin in range(0, total, step):
        chosen = owner[begin:begin + step]
        within = torch.arange(begin, begin + len(chosen), device=device) - start[chosen]
        size = extent[chosen]
        column = within // size[:, 2]
        index = torch.stack([column // size[:, 1], column % size[:, 1],
                             within % size[:, 2]], dim=1) + first[chosen]
        inside = _holds(table[chosen], index.float()).nonzero()[:, 0]
        flat = (index[:, 0] * grid.shape[1] + index[:, 1]) * grid.shape[2] + index[:, 2]
        winner.scatter_reduce_(0, (base[chosen] + flat)[inside], rank[chosen][inside], 'amax')
    return winner


def _placed(solids: Solids, sample: Tensor, ego_from_world: Tensor, grid: VoxelGrid,
            shape: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """
    Return what _holds needs of every solid, and the first index and the extent of its voxels.

    The table maps indices of voxels to local coordinates that run from -1 to 1 within the solid,
    row by row, (N, 12), then the shape, then the least radius of what is pointed, (N, 14).
    """
    device = sample.device
    pose = ego_from_world[sample]
    cosine, sine = solids.yaw_rad.double().cos(), solids.yaw_rad.double().sin()
    zero = torch.zeros_like(cosine)
    turn = torch.stack([cosine, -sine, zero, sine, cosine, zero, zero, zero, zero + 1], dim=1)
    ego_from_local = pose[:, :3, :3].double() @ turn.view(-1, 3, 3)
    center_m = (pose[:, :3, :3] @ solids.center_m.to(pose.dtype)[..., None])[..., 0] + (
        pose[:, :3, 3])
    thinnest_m = torch.tensor(THINNEST_HALF_M, device=device)
    half_m = (torch.maximum(solids.half_m, thinnest_m) + ROUNDING_M).double()
    lower_m, cell_m = (torch.tensor(values, dtype=torch.float64, device=device)
                       for values in (grid.lower_m, grid.cell_size_m))
    center = (center_m.double() - lower_m) / cell_m - 0.5
    reach = (ego_from_local.abs() @ half_m[..., None])[..., 0] / cell_m
    first = (center - reach).ceil().long().clamp(min=0)
    extent = torch.minimum((center + reach).floor().long(), shape - 1) - first + 1
    local_from_index = ego_from_local.transpose(1, 2) * cell_m / half_m[..., None]
    offset = -(local_from_index @ center[..., None])
    least = (THINNEST_HALF_M[0] / half_m[:, :2].amin(dim=1)).clamp(max=1.0)
    table = torch.cat([torch.cat([local_from_index, offset], dim=2).flatten(1),
                       solids.shape[:, None].double(), least[:, None]], dim=1)
    return table.float(), first, extent.clamp(min=0)


def _holds(table: Tensor, index: Tensor) -> Tensor:
    """Return whether the solids of some rows of the table hold the centres of voxels, (C,)."""
    x, y, z = index.unbind(1)
    local_x, local_y, local_z = (
        table[:, row] * x + table[:, row + 1] * y + table[:, row + 2] * z + table[:, row + 3]
        for row in (0, 4, 8))
    shape = table[:, 12]
    pointed = torch.maximum((1 - local_z) / 2, table[:, 13]).square()
    radius2 = torch.where(shape == Shape.ELLIPSOID, 1 - local_z.square(),
                          torch.where(shape == Shape.CONE, pointed, torch.ones_like(local_z)))
    in_box = (local_x.abs() <= 1) & (local_y.abs() <= 1)
    is_within = torch.where(shape == Shape.BOX, in_box,
                            local_x.square() + local_y.square() <= radius2)
    return is_within & (local_z.abs() <= 1)


def _lay_ground(classes: Tensor, states: Sequence[SceneState], ego_from_world: Tensor,
                grid: VoxelGrid) -> None:
    """Label the free voxels that the plane z = 0 passes at the middle of their column."""
    device, num_samples = classes.device, len(states)
    pose = ego_from_world.double()
    x_m, y_m, _ = (torch.arange(count, device=device, dtype=torch.float64) * size + low + size / 2
                   for count, size, low in zip(grid.shape, grid.cell_size_m, grid.lower_m))
    up, origin_m = pose[:, :3, 2], pose[:, :3, 3]
    height_m = (up * origin_m).sum(dim=1)[:, None, None]
    ego_z_m = (height_m - up[:, 0, None, None] * x_m[:, None] - up[:, 1, None, None] * y_m) / (
        up[:, 2, None, None])
    points_m = torch.stack([x_m[:, None].expand_as(ego_z_m), y_m.expand_as(ego_z_m), ego_z_m],
                           dim=-1).view(num_samples, -1, 3)
    world_m = (points_m - origin_m[:, None]) @ pose[:, :3, :3]
    label = sample_ground(stack_plans([state.ground for state in states]),
                          torch.arange(num_samples, device=device),
                          world_m[..., :2].float()).label.to(torch.uint8)
    layer = ((points_m[..., 2] - grid.lower_m[2]) / grid.cell_size_m[2]).floor().long()
    is_within = (layer >= 0) & (layer < grid.shape[2])
    layer = layer.clamp(0, grid.shape[2] - 1)[..., None]
    columns = classes.view(num_samples, -1, grid.shape[2])
    before = columns.gather(2, layer)[..., 0]
    after = torch.where((before == FREE_LABEL) & is_within, label, before)
    columns.scatter_(2, layer, after[..., None])
