# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cameras observe what a plain walk from them to occupied voxels passes and meets."""

import numpy as np
from plain_world import forward_pose, solids_of, state_of, walked
import pytest
import torch

from bdc_occ_ros.classes import FREE_LABEL
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.world.rendering import cast_depth, View
from bdc_occ_ros.world.visibility_mask import observed_voxels
from bdc_occ_ros.world.voxelization import voxelize

GRID = VoxelGrid((-10.0, -10.0, -1.0), (0.4, 0.4, 0.4), (50, 50, 16))
HEIGHT, WIDTH = 113, 200
INTRINSICS = np.array([[158.0, 0.0, 100.0], [0.0, 158.0, 56.5], [0.0, 0.0, 1.0]])
STREET = (
    ((6.0, 3.0, 1.0), (2.0, 1.0, 1.0), 0.4, 0, 4, 0),
    ((8.0, -4.0, 2.0), (0.1, 0.1, 2.0), 0.0, 2, 15, -1),
    ((4.0, -3.0, 3.0), (1.5, 1.5, 1.0), 0.0, 1, 16, -1),
    ((5.0, -7.0, 3.0), (6.0, 1.0, 3.0), 0.1, 0, 15, -1),
    ((3.0, 1.0, 0.4), (0.2, 0.2, 0.4), 0.0, 3, 8, 1))


def labelled(rows, *poses):
    """Return classes, and what cameras at some poses observe of them, (X, Y, Z)."""
    state = state_of(solids_of(*rows))
    depth = cast_depth([View(state, INTRINSICS, pose, HEIGHT, WIDTH) for pose in poses], 'cpu')
    classes = voxelize([state], torch.eye(4, dtype=torch.float64)[None], GRID)
    observed = observed_voxels(
        classes, depth.inverse_depth_per_m[None],
        torch.from_numpy(INTRINSICS).expand(1, len(poses), 3, 3),
        torch.from_numpy(np.stack(poses))[None], GRID)
    return classes[0].numpy(), observed[0].numpy()


def walked_mask(occupied, pose):
    """Return what the rays from a camera to the centres of occupied voxels pass and meet."""
    targets_m = GRID.centers_m(np.argwhere(occupied))
    pixels = (targets_m - pose[:3, 3]) @ pose[:3, :3] @ INTRINSICS.T
    ahead = pixels[:, 2] > 0.1
    targets_m, pixels = targets_m[ahead], pixels[ahead, :2] / pixels[ahead, 2:]
    in_image = ((pixels >= 0) & (pixels <= (WIDTH, HEIGHT))).all(axis=1)
    ends, crossed = walked(occupied, pose[:3, 3], targets_m[in_image], np.array(GRID.lower_m), 0.4)
    mask = np.zeros(occupied.size, bool)
    for end, free in zip(ends, crossed):
        if end >= 0:
            mask[free] = mask[end] = True
    return mask.reshape(occupied.shape)


def test_the_mask_agrees_with_a_walk_through_the_voxels():
    """
    Compare shares of voxels.

    The walk counts a voxel that a ray touches at a corner, the mask asks for its centre; and the
    walk to the centres of flat voxels ends before those at the far edge of the grid.
    """
    pose = forward_pose(-5.0)
    classes, observed = labelled(STREET, pose)
    occupied, walk = classes != FREE_LABEL, walked_mask(classes != FREE_LABEL, pose)
    free_both = (observed & walk & ~occupied).sum()
    assert free_both / (observed & ~occupied).sum() > 0.95
    assert free_both / (walk & ~occupied).sum() > 0.7
    met = walk & occupied
    assert (observed & met).sum() / met.sum() > 0.95
    standing = occupied & (np.arange(16) > 2)
    assert (met & standing).sum() / (observed & standing).sum() > 0.6
    assert (met & standing).sum() > 100


def test_nothing_is_observed_behind_a_wall_nor_under_the_ground():
    wall = ((2.0, 0.0, 3.0), (0.5, 30.0, 3.0), 0.0, 0, 15, -1)
    classes, observed = labelled([wall, *STREET], forward_pose(-5.0))
    first = np.flatnonzero(classes[:, 25, 5] == 15)[0]
    assert observed[first, 15:35, 3:8].mean() > 0.9
    assert not observed[first + 1:].any() and not observed[:, :, :2].any()
    assert observed[18:first, 25, 4].all()


def test_rays_into_the_sky_or_beyond_the_grid_observe_nothing():
    far = ((60.0, 0.0, 5.0), (1.0, 60.0, 5.0), 0.0, 0, 15, -1)
    for rows in (STREET[4:], [far]):
        classes, observed = labelled(rows, forward_pose(-5.0))
        free = observed & (classes == FREE_LABEL)
        assert not free[:, :20, 7:].any() and not free[:, 30:, 7:].any()
        assert free[20:, 25, 3].any()  # rays to the ground


@pytest.mark.parametrize('shift_m', (0.0, 0.13))
def test_a_post_against_the_sky_is_observed_up_to_the_image_s_end(shift_m):
    post = ((3.0 + shift_m, shift_m, 2.0), (0.08, 0.08, 2.0), 0.3, 2, 15, -1)
    classes, observed = labelled([post], forward_pose(-5.0))
    layers = ((classes == 15) & observed).any(axis=(0, 1))
    assert layers[3:11].all()


def test_cameras_add_up():
    first, second = forward_pose(-5.0), forward_pose(-5.0, 0.8)
    alone = [labelled(STREET, pose)[1] for pose in (first, second)]
    classes, both = labelled(STREET, first, second)
    free = classes == FREE_LABEL
    assert (both[free] == (alone[0] | alone[1])[free]).all()
    assert (alone[0] != alone[1]).any()


def test_labels_do_not_depend_on_what_is_labelled_with_them():
    classes = torch.full((2, 200, 200, 16), 17, dtype=torch.uint8)
    classes[:, :, :, 5:8] = 11
    intrinsics = torch.tensor(((50.0, 0, 50), (0, 50, 28), (0, 0, 1))).double().expand(2, 1, 3, 3)
    pose = torch.eye(4, dtype=torch.float64).repeat(2, 1, 1, 1)
    pose[..., :3, :3] = torch.tensor(((0.0, 0, 1), (-1, 0, 0), (0, -1, 0)))
    pose[:, 0, :3, 3] = torch.tensor(((0.0, 0, 0.5), (0, 0, 2.5)))
    inverse_depth = torch.full((2, 1, 56, 100), 0.1)
    inverse_depth[:, :, 28:] = 0.3
    together = observed_voxels(classes, inverse_depth, intrinsics, pose)
    alone = [observed_voxels(*(part[row:row + 1] for part in (
        classes, inverse_depth, intrinsics, pose))) for row in range(2)]
    assert torch.equal(together, torch.cat(alone)) and together.any()
