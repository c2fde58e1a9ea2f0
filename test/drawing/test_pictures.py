# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Things are drawn where they are and in their colour."""

import cv2
import numpy as np

from bdc_occ_ros.classes import (
    DETECTION_CLASS_NAMES,
    DETECTION_COLORS_RGB,
    FREE_LABEL,
    OCCUPANCY_CLASS_NAMES,
    OCCUPANCY_COLORS_RGB,
)
from bdc_occ_ros.datatypes import Boxes, Frame, Occupancy
from bdc_occ_ros.drawing.birds_eye import birds_eye, FREE_RGB, UNSEEN_RGB
from bdc_occ_ros.drawing.perspective import CORNERS, draw_boxes, voxel_picture
from bdc_occ_ros.drawing.sheet import CAPTION_PX, Column, draw_sheet, Overlay, WIDTH_PX
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid

GRID = VoxelGrid()
CAR, ROAD = OCCUPANCY_CLASS_NAMES.index('car'), OCCUPANCY_CLASS_NAMES.index('driveable_surface')


def occupancy_with(cells, seen=True):
    labels = np.full(GRID.shape, FREE_LABEL, np.uint8)
    observed = np.zeros(GRID.shape, bool)
    for cell, label in cells.items():
        labels[cell], observed[cell] = label, seen
    return Occupancy(GRID, labels, observed, OCCUPANCY_CLASS_NAMES, FREE_LABEL, 0)


def one_box(center_m, size_m=(4.0, 2.0, 1.6), yaw_rad=0.0, name='car'):
    return Boxes(np.array([center_m]), np.array([size_m]), np.array([yaw_rad]),
                 np.array([[np.nan, np.nan]]), np.ones(1),
                 np.array([DETECTION_CLASS_NAMES.index(name)]), DETECTION_CLASS_NAMES, 0)


def test_ahead_is_up_and_left_is_left():
    picture = birds_eye(GRID, occupancy_with({
        (190, 100, 2): ROAD, (100, 190, 2): ROAD, (100, 190, 5): CAR, (60, 60, 9): FREE_LABEL,
    }), None, 200)
    assert tuple(picture[9, 99]) == OCCUPANCY_COLORS_RGB[ROAD]  # ahead
    assert tuple(picture[99, 9]) == OCCUPANCY_COLORS_RGB[CAR]  # left, above the ground
    assert tuple(picture[139, 139]) == FREE_RGB
    assert tuple(picture[9, 9]) == UNSEEN_RGB


def test_what_nobody_sees_is_not_drawn():
    hidden = occupancy_with({(190, 100, 2): ROAD}, seen=False)
    assert tuple(birds_eye(GRID, hidden, None, 200)[9, 99]) == UNSEEN_RGB
    nothing = voxel_picture(occupancy_with({}), None, 120, 80)
    assert np.array_equal(voxel_picture(hidden, None, 120, 80), nothing)


def test_a_cube_appears_where_it_is():
    nothing = voxel_picture(occupancy_with({}), None, 240, 160).astype(int)
    columns = []
    for y in (80, 130):
        cells = {(x, y + k, z): CAR for x in range(120, 125) for k in range(5)
                 for z in range(2, 6)}
        changed = np.abs(voxel_picture(occupancy_with(cells), None, 240, 160) - nothing).sum(2)
        columns.append(np.argwhere(changed > 60)[:, 1].mean())
        shown = voxel_picture(occupancy_with(cells), None, 240, 160)[changed > 120].astype(float)
        color = shown.mean(axis=0)
        assert color.argmax() == np.argmax(OCCUPANCY_COLORS_RGB[CAR])
    assert columns[1] < columns[0] - 20  # larger y is further left


def test_box_corners_turn_with_the_yaw():
    corners = one_box((10.0, 5.0, 1.0), yaw_rad=np.pi / 2).points_m(CORNERS)[0]
    assert np.allclose(corners.min(axis=0), (9.0, 3.0, 0.2), atol=1e-6)
    assert np.allclose(corners[:4, 1], 7.0)  # the front looks to the left
    front_left = one_box((0.0, 0.0, 0.0), yaw_rad=0.3).points_m(CORNERS)[0, 0]
    assert np.allclose(front_left, (2 * np.cos(0.3) - np.sin(0.3),
                                    2 * np.sin(0.3) + np.cos(0.3), -0.8), atol=1e-6)


def test_box_lines_pass_through_the_projected_corners(forward_camera):
    camera = forward_camera.resized(960, 640)
    camera_from_ego = np.linalg.inv(camera.ego_from_camera)
    boxes = one_box((12.0, 1.0, 1.5))
    picture = draw_boxes(np.zeros((640, 960, 3), np.uint8), boxes, camera.intrinsics,
                         camera_from_ego)
    color = DETECTION_COLORS_RGB[DETECTION_CLASS_NAMES.index('car')]
    for corner in boxes.points_m(CORNERS)[0]:
        u, v, w = camera.intrinsics @ (camera_from_ego @ (*corner, 1.0))[:3]
        assert tuple(picture[round(v / w), round(u / w)]) == color
    assert not draw_boxes(np.zeros((640, 960, 3), np.uint8), one_box((-12.0, 1.0, 1.5)),
                          camera.intrinsics, camera_from_ego).any()


def test_a_sheet_has_room_for_a_notice(nuscenes_rig, tmp_path):
    images = {name: np.full((900, 1600, 3), 90, np.uint8) for name in nuscenes_rig.names[1:]}
    frame = Frame(images, dict.fromkeys(images, 0), nuscenes_rig, 0)
    column = Column('truth', occupancy_with({(120, 100, 2): CAR}), one_box((10, 0, 1)))
    heights = []
    for notice in ('', 'untrained'):
        draw_sheet(tmp_path / 'sheet.png', 'title', frame, Overlay(column.boxes), [column, column],
                   notice)
        picture = cv2.imread(str(tmp_path / 'sheet.png'))
        assert picture.shape[1] == WIDTH_PX
        heights.append(picture.shape[0])
    assert heights[1] == heights[0] + CAPTION_PX
    orange = np.abs(picture[:200].astype(int) - (0x2e, 0xb0, 0xff)).max(axis=2) < 30
    assert orange.sum() > 300  # the words of the notice
