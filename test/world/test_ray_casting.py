# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rays against all shapes, as the plain way finds them."""

from dataclasses import replace

import numpy as np
from plain_caster import cast_ray
import pytest
import torch

from bdc_occ_ros.errors import InvalidRaysError
from bdc_occ_ros.world.culling import Obstacles
from bdc_occ_ros.world.ray_casting import cast, cast_rays, GROUND, SKY
from bdc_occ_ros.world.ray_tiles import PinholeCameras, tiles_of_cameras, tiles_of_rays
from bdc_occ_ros.world.solids import Shape, Solids


def random_solids(seed, count=36, spread_m=20.0):
    made = torch.Generator().manual_seed(seed)
    def uniform(low, high, *size):
        return low + (high - low) * torch.rand(*size, generator=made)
    center_m = uniform(-spread_m, spread_m, count, 3) * torch.tensor((1.0, 1.0, 0.2))
    whole = torch.zeros(count, dtype=torch.int64)
    return Solids(center_m, uniform(0.1, 3, count, 3), uniform(-4, 4, count),
                  torch.randint(0, 4, (count,), generator=made), whole, whole - 1, whole,
                  uniform(0, 1, count, 3))


def solid(center_m, half_m, shape, yaw_rad=0.0):
    whole = torch.zeros(1, dtype=torch.int64)
    return Solids(torch.tensor([center_m]), torch.tensor([half_m]), torch.tensor([yaw_rad]),
                  whole + int(shape), whole, whole - 1, whole, torch.full((1, 3), 0.5))


def camera(origin_m, yaw, pitch, height=17, width=27, focal=15.0):
    forward = np.array((np.cos(yaw) * np.cos(pitch), np.sin(yaw) * np.cos(pitch), np.sin(pitch)))
    right = np.array((np.sin(yaw), -np.cos(yaw), 0))
    pose = np.eye(4)
    pose[:3, :3] = np.stack((right, np.cross(forward, right), forward), 1)
    pose[:3, 3] = origin_m
    matrix = np.array(((focal, 0, 0.5 * width - 1), (0, focal, 0.5 * height + 1), (0, 0, 1)))
    return PinholeCameras(torch.tensor(matrix)[None], torch.tensor(pose)[None], height, width)


def plain_camera(solids, cameras):
    """Return inverse depth and solid of every pixel, and its direction of depth one."""
    pose, matrix = cameras.world_from_camera[0].numpy(), cameras.intrinsics[0].numpy()
    y, x = np.mgrid[:cameras.height_px, :cameras.width_px] + 0.5
    pixels = np.stack((x, y, np.ones_like(x)), -1).reshape(-1, 3)
    directions = pixels @ np.linalg.inv(matrix).T @ pose[:3, :3].T
    found = [cast_ray(solids, pose[:3, 3], direction) for direction in directions]
    return 1 / np.array([f[0] for f in found]), np.array([f[1] for f in found])


def fast_camera(solids, cameras):
    hits = cast(tiles_of_cameras(cameras), Obstacles.stacked([solids]), torch.zeros(1).long())
    return tuple(cameras.untiled(part)[0].flatten().numpy() for part in hits)


def assert_equal_hits(got, wanted, allowed=0.005):
    """Compare; rays that graze an edge may differ, a few of them."""
    differs = got[1] != wanted[1]
    assert differs.mean() <= allowed
    np.testing.assert_allclose(got[0][~differs], wanted[0][~differs], rtol=2e-4, atol=1e-5)


@pytest.mark.parametrize('seed', range(3))
def test_camera_among_solids_of_all_shapes(seed):
    solids = random_solids(seed)
    view = camera((0.3, -0.2, 2.0), 1.3 * seed, -0.1 + 0.1 * seed)
    wanted = plain_camera(solids, view)
    assert len(np.unique(wanted[1])) > 4
    assert_equal_hits(fast_camera(solids, view), wanted)


@pytest.mark.parametrize('shape', Shape)
@pytest.mark.parametrize('origin_m', [
    (0.0, -4.0, 1.0), (0.0, -1.2, 1.1), (0.1, 0.05, 6.0), (0.3, -0.2, 3.2), (0.0, -4.0, -3.0)])
def test_every_shape_from_beside_near_above_and_below(shape, origin_m):
    lone = solid((0.0, 0.0, 1.0), (1.0, 0.8, 1.5), shape, 0.6)
    pitch = np.arctan2(1.0 - origin_m[2], max(0.01, -origin_m[1]))
    view = camera(origin_m, np.pi / 2, pitch)
    wanted = plain_camera(lone, view)
    assert (wanted[1] == 0).sum() > 10
    assert_equal_hits(fast_camera(lone, view), wanted, 0.01)


@pytest.mark.parametrize('shape', Shape)
def test_what_holds_the_camera_is_not_seen(shape):
    lone = solid((0.0, 0.0, 1.5), (2.0, 2.0, 2.0), shape)
    depth, which = fast_camera(lone, camera((0.1, 0.2, 1.2), 0.4, 0.0))
    assert set(np.unique(which)) == {GROUND, SKY}
    assert (depth[which == SKY] == 0).all()


def test_wall_beside_the_camera_reaches_through_the_image_plane():
    wall = solid((0.0, -1.07, 1.0), (30.0, 0.05, 3.0), Shape.BOX)
    view = camera((0.0, 0.0, 1.0), 0.0, 0.0)
    wanted = plain_camera(wall, view)
    assert (wanted[1] == 0).sum() > 100
    assert_equal_hits(fast_camera(wall, view), wanted, 0.0)


def test_ground_is_met_from_above_only():
    assert set(np.unique(fast_camera(random_solids(1, 1, 0.1), camera((9, 9, 2), 0, 0))[1])) == {
        GROUND, SKY}
    under = fast_camera(random_solids(1, 1, 0.1), camera((9, 9, -2), 0, 0))
    assert set(np.unique(under[1])) == {SKY} and not under[0].any()


def test_worlds_together_are_as_worlds_alone():
    worlds = [random_solids(5), random_solids(6, 20), random_solids(7, 90)]
    views = [camera((0, 0, 1.5 + 0.2 * n), 0.7 * n, -0.05, 40, 70) for n in range(4)]
    together = PinholeCameras(torch.cat([view.intrinsics for view in views]),
                              torch.cat([view.world_from_camera for view in views]), 40, 70)
    world = torch.tensor((2, 0, 1, 0))
    hits = cast(tiles_of_cameras(together), Obstacles.stacked(worlds), world)
    for number, view in enumerate(views):
        alone = cast(tiles_of_cameras(view), Obstacles.stacked([worlds[world[number]]]),
                     torch.zeros(1).long())
        torch.testing.assert_close(hits.inverse_depth_per_m[number],
                                   alone.inverse_depth_per_m[0], rtol=1e-5, atol=1e-6)
        assert (hits.solid[number] == alone.solid[0]).float().mean() > 0.999


@pytest.mark.parametrize('height', [60, 700])
def test_where_tiles_end_makes_no_difference(height):
    solids = random_solids(11, 400, 12.0)
    solids = replace(solids, half_m=0.1 * solids.half_m)
    whole = camera((0.2, 0.1, 1.5), 0.4, 0.0, height, height, 0.4 * height)
    right, down = 7, 5
    matrix = whole.intrinsics.clone()
    matrix[0, :2, 2] -= torch.tensor((right, down))
    part = PinholeCameras(matrix, whole.world_from_camera, height - down, height - right)
    (depth, which), (part_depth, part_which) = (
        [found.reshape(view.height_px, view.width_px) for found in fast_camera(solids, view)]
        for view in (whole, part))
    assert (which >= 0).mean() > 0.02
    assert (which[down:, right:] != part_which).mean() < 2e-4
    same = which[down:, right:] == part_which
    np.testing.assert_allclose(depth[down:, right:][same], part_depth[same], rtol=1e-5, atol=1e-6)


def test_rays_of_a_spinning_sensor():
    worlds = [random_solids(8), random_solids(9, 30)]
    azimuth, elevation = np.meshgrid(np.linspace(0, 6.2, 31), np.linspace(-0.52, 0.21, 8))
    directions = np.stack((np.cos(azimuth), np.sin(azimuth), np.tan(elevation)), -1)
    directions = torch.tensor(directions.reshape(1, -1, 3) * [[[2.0]], [[0.5]]])
    origins = torch.tensor(((0.1, 0.1, 2.0), (-3.0, 1.0, 1.7)))
    lengths, which = cast_rays(worlds, origins, directions)
    for lot in range(2):
        wanted = [cast_ray(worlds[lot], origins[lot].double().numpy(), direction.numpy())
                  for direction in directions[lot]]
        lengths_m, met = (np.array(part) for part in zip(*wanted))
        assert len(np.unique(met)) > 5
        assert_equal_hits((1 / lengths[lot].numpy(), which[lot].numpy()), (1 / lengths_m, met))


def test_many_rays_keep_their_order():
    solids = random_solids(10, 100)
    made = torch.Generator().manual_seed(1)
    directions = torch.randn(1, 6000, 3, generator=made, dtype=torch.float64)
    directions[..., 2] *= 0.2
    origin = torch.tensor(((0.0, 0.0, 2.0),))
    lengths, which = cast_rays([solids], origin, directions)
    some = slice(None, None, 97)
    one_by_one = [cast_ray(solids, origin[0].double().numpy(), direction.numpy())
                  for direction in directions[0, some]]
    lengths_m, met = (np.array(part) for part in zip(*one_by_one))
    assert_equal_hits((1 / lengths[0, some].numpy(), which[0, some].numpy()), (1 / lengths_m, met),
                      0.02)


def test_tiles_hold_every_ray():
    made = torch.Generator().manual_seed(2)
    directions = torch.randn(2, 300, 3, generator=made, dtype=torch.float64)
    directions[..., 2] *= 0.1
    tiled = tiles_of_rays(torch.zeros(2, 3, dtype=torch.float64), directions)
    placed = (tiled.tiles.basis.double()[:, :, :3].transpose(2, 3) @ tiled.tiles.frame.mT)
    placed = placed.flatten(1, 2) * tiled.stretch[..., None]
    torch.testing.assert_close(
        placed, directions.gather(1, tiled.order[..., None].expand(-1, -1, 3)), rtol=0, atol=1e-5)
    assert all(set(order.tolist()) == set(range(300)) for order in tiled.order)


def test_steep_rays_are_refused():
    made = torch.Generator().manual_seed(3)
    with pytest.raises(InvalidRaysError, match='horizon'):
        cast_rays([random_solids(1, 2)], torch.zeros(1, 3), torch.randn(1, 300, 3, generator=made))
