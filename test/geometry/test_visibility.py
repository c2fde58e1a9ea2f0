# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Seen cells against the projection of every cell."""

from dataclasses import replace

import cv2
import numpy as np
import pytest

from bdc_occ_ros.geometry.frustum import ImageConfig
from bdc_occ_ros.geometry.preprocessing import Preprocessor
from bdc_occ_ros.geometry.visibility import FieldOfView, NEAREST_M
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

INPUT = ImageConfig(height_px=32, width_px=96)
GRID = VoxelGrid((-10.0, -10.0, -2.0), (0.5, 0.5, 0.5), (40, 40, 12))


def view_of(camera, config=INPUT):
    return FieldOfView(camera, Preprocessor(camera, config))


def projected(camera, ego_from_key_ego=None):
    """Return columns, rows and depths of all cell centres, by OpenCV's own projection."""
    centers_m = GRID.centers_m(np.indices(GRID.shape).reshape(3, -1).T).astype(np.float64)
    motion = np.eye(4) if ego_from_key_ego is None else ego_from_key_ego
    camera_from_key_ego = np.linalg.inv(camera.ego_from_camera) @ motion
    points_m = centers_m @ camera_from_key_ego[:3, :3].T + camera_from_key_ego[:3, 3]
    ahead = points_m[:, 2] > 0
    pixels = np.full((len(points_m), 2), np.nan)
    pixels[ahead] = cv2.projectPoints(
        points_m[ahead], np.zeros(3), np.zeros(3), camera.intrinsics, None)[0][:, 0]
    return pixels[:, 0], pixels[:, 1], points_m[:, 2]


def expected_cells(camera, first_row_px, motion=None):
    columns, rows, depths_m = projected(camera, motion)
    seen = ((columns >= 0) & (columns <= camera.width_px - 1) & (rows >= first_row_px)
            & (rows <= camera.height_px - 1) & (depths_m >= NEAREST_M))
    return seen.reshape(GRID.shape)


def tilted(camera, angles_rad):
    mount = camera.ego_from_camera.copy()
    mount[:3, :3] = cv2.Rodrigues(np.array(angles_rad))[0] @ mount[:3, :3]
    return replace(camera, ego_from_camera=mount)


@pytest.mark.parametrize('angles_rad', [
    (0.0, 0.0, 0.013), (0.0, 0.31, 0.0), (0.2, -0.1, 1.9), (0.0, 0.0, 3.1), (0.0, 1.55, 0.0)])
def test_cells_are_those_whose_centre_projects_into_the_kept_rows(forward_camera, angles_rad):
    camera = tilted(forward_camera, angles_rad)
    expected = expected_cells(camera, first_row_px=32.0)
    assert 0 < expected.mean() < 0.5
    np.testing.assert_array_equal(view_of(camera).cells(GRID), expected)


def test_motion_moves_the_view_with_the_camera(forward_camera):
    camera = tilted(forward_camera, (0.0, 0.1, 0.02))
    motion = np.eye(4)
    motion[:3, :3] = cv2.Rodrigues(np.array((0.0, 0.0, 0.2)))[0]
    motion[:2, 3] = 1.3, -0.7
    seen = view_of(camera).cells(GRID, motion)
    np.testing.assert_array_equal(seen, expected_cells(camera, 32.0, motion))
    assert (seen != view_of(camera).cells(GRID)).any()


@pytest.mark.parametrize('distortion', [(0.0,) * 4, (0.35, 0.0, 0.0, 0.0)])
def test_points_are_seen_where_cells_with_that_centre_are(forward_camera, distortion):
    camera = replace(tilted(forward_camera, (0.1, 0.2, 0.3)), distortion_model='plumb_bob',
                     distortion=np.array(distortion))
    motion = np.eye(4)
    motion[:2, 3] = 1.3, -0.7
    view, centers_m = view_of(camera), GRID.centers_m(np.indices(GRID.shape).reshape(3, -1).T)
    np.testing.assert_array_equal(view.points(centers_m, motion),
                                  view.cells(GRID, motion).ravel())
    assert view.points(centers_m, motion).any()
    assert view.points(np.zeros((0, 3))).shape == (0,)


def test_what_is_behind_or_cut_off_above_is_not_seen(forward_camera):
    seen = view_of(forward_camera).cells(GRID)
    behind, _ = GRID.indices_of(np.array((-3.0, 0.0, 1.5)))
    above, _ = GRID.indices_of(np.array((4.0, 0.0, 2.4)))  # the camera sees it, the network not
    ahead, _ = GRID.indices_of(np.array((4.0, 0.0, 0.5)))
    assert not seen[tuple(behind)] and not seen[tuple(above)] and seen[tuple(ahead)]
    full_height = view_of(forward_camera, ImageConfig(height_px=64, width_px=96)).cells(GRID)
    assert full_height[tuple(above)] and (full_height >= seen).all()


def test_black_rows_that_fill_up_the_input_show_nothing(forward_camera):
    tall = ImageConfig(height_px=96, width_px=96)
    camera = tilted(forward_camera, (0.01, 0.02, 0.03))
    np.testing.assert_array_equal(view_of(camera, tall).cells(GRID), expected_cells(camera, 0.0))


def test_a_distorted_camera_sees_only_what_its_lens_shows(forward_camera):
    pincushion = replace(forward_camera, distortion_model='plumb_bob',
                         distortion=np.array((0.35, 0.0, 0.0, 0.0)))
    seen = view_of(pincushion).cells(GRID)
    straight = view_of(forward_camera).cells(GRID)
    assert (seen <= straight).all() and 0.3 < seen.sum() / straight.sum() < 0.95
    columns, rows, _ = projected(forward_camera)
    x, y = (columns - 48) / 48, (rows - 32) / 48
    bend = 1 + 0.35 * (x * x + y * y)
    margin = np.minimum(48 - np.abs(48 * x * bend), 32 - np.abs(48 * y * bend)).reshape(GRID.shape)
    assert (margin[seen] > -1.5).all()  # to the pixel
    assert seen[straight & (margin > 2.5)].all()


def test_a_cell_in_front_of_the_lens_is_too_near(forward_camera):
    grid = VoxelGrid((0.0, -0.05, 1.45), (0.1, 0.1, 0.1), (4, 1, 1))
    camera = replace(forward_camera, intrinsics=np.array(((48.0, 0, 48), (0, 48, 20), (0, 0, 1))))
    seen = view_of(camera, ImageConfig(height_px=64, width_px=96)).cells(grid)
    assert seen[:, 0, 0].tolist() == [False, True, True, True]
