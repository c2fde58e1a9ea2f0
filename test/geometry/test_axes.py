# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
From a bright spot in a picture to the right voxel and box.

The network is replaced by one that knows the answer: a bright feature cell holds a car at the
depth it is told. All the rest is the real thing, from the image to the grid in the ego frame.
"""

import cv2
import numpy as np
import pytest
import torch
from torch import nn

from bdc_occ_ros.datatypes import Frame
from bdc_occ_ros.geometry.ray_geometry import frustum_pixels
from bdc_occ_ros.network.bev_to_boxes import BoxMaps
from bdc_occ_ros.network.bev_to_occupancy import VoxelLabels
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.network import NetworkPrediction
from bdc_occ_ros.predictor import Predictor

CAR, FREE, CAR_BOX = 4, 17, 0
PLACES_M = {'ahead': (12.0, 0.0, 1.0), 'left': (1.0, 11.0, 1.0), 'right': (1.0, -11.0, 1.0),
            'behind': (-14.0, 0.0, 1.0), 'ahead left': (15.0, 9.0, 1.5), 'low': (9.0, 0.5, 0.2)}


class AllKnowingNetwork(nn.Module):
    """Put a car where bright pixels are, at the depth given per camera."""

    def __init__(self, config):
        super().__init__()
        self.config = config
        self.depths_m = {}

    def predict(self, images, ray_points_m, with_confidence):
        columns, rows = np.rint(frustum_pixels(self.config.frustum)[..., :2]).astype(int).T
        is_bright = images[0, :, 0, rows.T, columns.T] > 1.0  # (N, h, w)
        bins_m = np.array(self.config.depth.bins_m())
        points_m = torch.cat([
            ray_points_m[0, n, np.abs(bins_m - depth_m).argmin()][is_bright[n]]
            for n, depth_m in self.depths_m.items()]).numpy()
        grid = self.config.voxel_grid()
        labels = torch.full((1, *grid.shape), FREE, dtype=torch.uint8)
        cells, is_inside = grid.indices_of(points_m)
        labels[(0, *cells[is_inside].T)] = CAR
        return NetworkPrediction(VoxelLabels(labels, None), self._maps(points_m.mean(axis=0)))

    def _maps(self, center_m):
        stride_m = self.config.bev.cell_size_m[0] * self.config.boxes.stride
        size = self.config.bev.shape[0] // self.config.boxes.stride
        heatmap, reg, height = (torch.zeros(1, c, size, size) for c in (10, 2, 1))
        cell = (center_m[:2] + 40.0) / stride_m
        column, row = np.floor(cell).astype(int)
        heatmap -= 9.0
        heatmap[0, CAR_BOX, row, column] = 2.0
        reg[0, :, row, column] = torch.from_numpy(cell % 1)
        height[0, 0, row, column] = float(center_m[2])
        return BoxMaps(heatmap, reg, height, torch.zeros(1, 3, size, size),
                       torch.ones(1, 2, size, size), torch.zeros(1, 2, size, size))


@pytest.fixture(scope='module')
def rig(nuscenes_rig):
    return nuscenes_rig.resized(800, 450)


def draw_spot(camera, point_m, radius_m=0.6):
    """Return an image with a ball at a point of the camera's ego frame, and its depth or None."""
    image = np.zeros((camera.height_px, camera.width_px, 3), dtype=np.uint8)
    x, y, depth_m = (np.linalg.inv(camera.ego_from_camera) @ (*point_m, 1.0))[:3]
    focal_px = camera.intrinsics[0, 0]
    if depth_m < 1.0:
        return image, None
    column, row = (camera.intrinsics @ (x / depth_m, y / depth_m, 1.0))[:2]
    if not (0 <= column < camera.width_px and 0 <= row < camera.height_px):
        return image, None
    cv2.circle(image, (round(column), round(row)), round(radius_m * focal_px / depth_m),
               (255, 255, 255), -1)
    return image, depth_m


def predict_spot(rig, fixed_point_m, poses=None, tell_poses=True):
    """Draw a ball that stands still into all pictures and return the prediction."""
    predictor = Predictor(load_network_config('bdc_occ_nano'))
    network = predictor.network = AllKnowingNetwork(predictor.config)
    images = {}
    for n, camera in enumerate(rig.cameras):
        fixed_from_ego = np.eye(4) if poses is None else poses[camera.name]
        point_m = (np.linalg.inv(fixed_from_ego) @ (*fixed_point_m, 1.0))[:3]
        images[camera.name], depth_m = draw_spot(camera, point_m)
        if depth_m is not None:
            network.depths_m[n] = depth_m
    assert network.depths_m, 'no camera sees the spot'
    told = poses if tell_poses else None
    return predictor(Frame(images, dict.fromkeys(images, 0), rig, 0, told))


def assert_car_at(prediction, point_m, tolerance_m):
    occupancy, boxes = prediction
    cars_m = occupancy.grid.centers_m(np.argwhere(occupancy.labels == CAR))
    assert len(cars_m) > 0
    np.testing.assert_allclose(cars_m.mean(axis=0), point_m, atol=tolerance_m)
    assert occupancy.occupied.sum() > 0.9 * len(cars_m)
    np.testing.assert_allclose(boxes.centers_m[0], point_m, atol=tolerance_m)
    assert boxes.class_names[boxes.labels[0]] == 'car'


@pytest.mark.parametrize('place', PLACES_M)
def test_a_thing_stands_where_it_stands(rig, place):
    # half a depth bin, half a feature cell and half a voxel together stay below 0.8 m here
    assert_car_at(predict_spot(rig, PLACES_M[place]), PLACES_M[place], tolerance_m=0.8)


def test_a_thing_seen_on_the_move_stands_where_it_is_at_the_key_cameras_exposure(rig):
    poses = {}
    for n, name in enumerate(('CAM_FRONT_LEFT', 'CAM_FRONT', 'CAM_FRONT_RIGHT', 'CAM_BACK_RIGHT',
                              'CAM_BACK', 'CAM_BACK_LEFT')):
        poses[name] = np.eye(4)
        poses[name][:3, :3] = cv2.Rodrigues(np.array((0.0, 0.0, 0.3 + 0.02 * n)))[0]
        poses[name][:2, 3] = 300.0 + 1.5 * n, 200.0 + 0.2 * n  # 18 m/s and slow shutters
    for point_m in ((-12.0, 0.0, 1.0), (14.0, -9.0, 1.0), (2.0, -12.0, 1.0)):
        fixed_point_m = (poses['CAM_FRONT_LEFT'] @ (*point_m, 1.0))[:3]
        assert_car_at(predict_spot(rig, fixed_point_m, poses), point_m, tolerance_m=0.8)
        with pytest.raises(AssertionError):  # and without the poses it does not
            assert_car_at(predict_spot(rig, fixed_point_m, poses, tell_poses=False), point_m, 0.8)
