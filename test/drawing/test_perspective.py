# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Voxels and boxes lie on the pixels where the camera sees them, and the nearest hide the rest."""

import cv2
import numpy as np
import pytest

from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.datatypes import Frame, Occupancy
from bdc_occ_ros.drawing.perspective import cut_at_camera, draw_voxels
from bdc_occ_ros.drawing.sheet import draw_sheet, GAP_PX, Overlay, TITLE_PX, WIDTH_PX
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

GRID = VoxelGrid()
CAR, PEDESTRIAN = (OCCUPANCY_CLASS_NAMES.index(name) for name in ('car', 'pedestrian'))
BLUE, RED = 2, 0  # channels in which their colours are strongest


def occupancy_of(labels, observed=None):
    observed = np.ones(GRID.shape, bool) if observed is None else observed
    return Occupancy(GRID, labels, observed, OCCUPANCY_CLASS_NAMES, FREE_LABEL, 0)


def drawn_over_black(labels, camera, camera_from_ego=None, **options):
    if camera_from_ego is None:
        camera_from_ego = np.linalg.inv(camera.ego_from_camera)
    black = np.zeros((camera.height_px, camera.width_px, 3), np.uint8)
    return draw_voxels(black, occupancy_of(labels), camera.intrinsics, camera_from_ego, **options)


def test_a_voxel_covers_the_pixels_between_its_projected_corners(forward_camera):
    camera = forward_camera.resized(960, 640)  # 480 pixels focal length, 1.5 m above the origin
    labels = np.full(GRID.shape, FREE_LABEL, np.uint8)
    labels[110, 100, 3] = CAR  # x 4.0 to 4.4, y 0.0 to 0.4, z 0.2 to 0.6
    shown = drawn_over_black(labels, camera, opacity=1.0)
    covered = np.argwhere(shown[..., BLUE] > 70)  # more than half of a pixel
    left, right = 480 - 480 * 0.4 / 4.0, 480
    top, bottom = 320 + 480 * (1.5 - 0.6) / 4.4, 320 + 480 * (1.5 - 0.2) / 4.0
    assert np.abs(covered.min(axis=0) - np.floor((top, left))).max() <= 1  # rims are half outside
    assert np.abs(covered.max(axis=0) + 1 - np.ceil((bottom, right))).max() <= 1


def first_label(labels, origin_m, direction):
    """March along a ray in small steps; return the first occupied label, None if none is."""
    distances = np.arange(0.3, 12.0, 0.004)
    cells, inside = GRID.indices_of(origin_m + distances[:, None] * direction)
    met = labels[tuple(cells[inside].T)]
    occupied = met[met != FREE_LABEL]
    return int(occupied[0]) if len(occupied) else None


@pytest.mark.parametrize('turn', [0.0, 0.7, 2.5])
def test_every_pixel_shows_the_voxel_that_its_ray_meets_first(forward_camera, turn):
    camera = forward_camera.resized(960, 640)
    random = np.random.default_rng(3)
    labels = np.full(GRID.shape, FREE_LABEL, np.uint8)
    block = random.random((40, 40, 10))
    labels[80:120, 80:120, 2:12] = np.select([block < 0.06, block < 0.12], [CAR, PEDESTRIAN],
                                             FREE_LABEL)
    labels[97:103, 97:103] = FREE_LABEL  # nothing at the camera itself
    pose = np.eye(4)
    pose[:2, :2] = [[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]]
    ego_from_camera = pose @ camera.ego_from_camera
    picture = drawn_over_black(labels, camera, np.linalg.inv(ego_from_camera), opacity=1.0)
    agreements = []
    for column, row in random.integers((0, 0), (960, 640), (500, 2)):
        ray = np.linalg.inv(camera.intrinsics) @ (column + 0.5, row + 0.5, 1.0)
        label = first_label(labels, ego_from_camera[:3, 3], ego_from_camera[:3, :3] @ ray)
        around = picture[max(row - 2, 0):row + 3, max(column - 2, 0):column + 3].reshape(-1, 3)
        if np.ptp(around.astype(int), axis=0).max() < 60:  # not on an edge
            strongest = {BLUE: CAR, RED: PEDESTRIAN}[int(around[0].argmax())]
            agreements.append(label == (strongest if around.max() > 60 else None))
    assert np.mean(agreements) > 0.99 and len(agreements) > 250


def test_what_nobody_sees_is_not_drawn_and_the_image_shines_through(forward_camera):
    labels = np.full(GRID.shape, FREE_LABEL, np.uint8)
    labels[105:125, 90:110, 2:6] = CAR
    gray = np.full((64, 96, 3), 100, np.uint8)
    view = forward_camera.intrinsics, np.linalg.inv(forward_camera.ego_from_camera)
    unseen = occupancy_of(labels, np.zeros(GRID.shape, bool))
    assert np.array_equal(draw_voxels(gray, unseen, *view), gray)
    full, half = (draw_voxels(gray, occupancy_of(labels), *view, opacity) for opacity in (1, 0.5))
    assert (full != gray).any(axis=2).sum() > 300 and (gray == 100).all()
    assert np.abs(half - (full / 2 + 50)).max() <= 1


def test_outlines_end_in_front_of_the_camera():
    square = np.array([[-1.0, 0, -1], [1, 0, -1], [1, 0, 1.3], [-1, 0, 1.3]])
    rest = cut_at_camera(square)
    assert sorted(map(tuple, rest.round(6).tolist())) == [
        (-1, 0, 0.3), (-1, 0, 1.3), (1, 0, 0.3), (1, 0, 1.3)]
    assert cut_at_camera(square - (0, 0, 2)).shape == (0, 3)
    assert np.allclose(cut_at_camera(np.array([[0.0, 0, -1], [0, 0, 1]]))[:2],
                       [[0, 0, 0.3], [0, 0, 1]])


def test_the_motion_between_label_and_exposure_moves_the_voxels(nuscenes_rig, tmp_path):
    """The rig drives on between the label and the exposures; a block ahead comes closer."""
    width = (WIDTH_PX - 2 * GAP_PX) // 3
    height = round(width * 900 / 1600)
    rig = nuscenes_rig.resized(width, height)
    images = {name: np.zeros((height, width, 3), np.uint8) for name in rig.names}
    poses = {name: np.eye(4) for name in rig.names}
    poses['CAM_FRONT'][:3, 3] = 3.0, 0.4, 0.0
    frame = Frame(images, dict.fromkeys(images, 0), rig, 0, poses)
    label_pose = np.eye(4)
    label_pose[0, 3] = -2.0
    labels = np.full(GRID.shape, FREE_LABEL, np.uint8)
    labels[150:152, 97:104, 3:6] = CAR  # in the frame of the label
    draw_sheet(tmp_path / 'sheet.png', '', frame, Overlay(None, occupancy_of(labels), label_pose),
               ())
    sheet = cv2.imread(str(tmp_path / 'sheet.png'))
    shown = sheet[TITLE_PX + 40:TITLE_PX + height, width + GAP_PX:2 * width + GAP_PX, 0]
    covered = np.argwhere(shown > 50)  # blue
    corners = np.array([(x, y, z, 1.0) for x in (20.0, 20.8) for y in (-1.2, 1.6)
                        for z in (0.2, 1.4)]) - (2.0 + 3.0, 0.4, 0.0, 0.0)
    ahead = corners @ np.linalg.inv(rig['CAM_FRONT'].ego_from_camera).T
    pixels = ahead[:, :3] @ rig['CAM_FRONT'].intrinsics.T
    pixels = pixels[:, :2] / pixels[:, 2:]
    assert covered.min(axis=0) + (40, 0) == pytest.approx(pixels.min(axis=0)[::-1], abs=1.5)
    assert covered.max(axis=0) + (40, 0) == pytest.approx(pixels.max(axis=0)[::-1], abs=1.5)
