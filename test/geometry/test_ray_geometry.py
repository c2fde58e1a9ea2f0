# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Rays of known cameras, and ego motion between exposures."""

import numpy as np
import pytest

from bdc_occ_ros.geometry.ray_geometry import frustum_pixels, RayGeometry
from bdc_occ_ros.network.config import load_network_config


def moved(x_m=0.0, y_m=0.0, yaw_rad=0.0):
    result = np.eye(4)
    result[:2, :2] = [[np.cos(yaw_rad), -np.sin(yaw_rad)], [np.sin(yaw_rad), np.cos(yaw_rad)]]
    result[:2, 3] = x_m, y_m
    return result


def test_the_frustum_of_the_published_networks_includes_both_ends():
    pixels = frustum_pixels(load_network_config('flashocc_r50').frustum)
    assert pixels.shape == (16, 44, 3)
    np.testing.assert_allclose(pixels[0, :, 0], np.arange(44) * 703 / 43)
    np.testing.assert_allclose(pixels[:, 0, 1], np.arange(16) * 255 / 15)


@pytest.mark.parametrize('name', ['flashocc_r50', 'bevdet_r50', 'bdc_occ_nano'])
def test_every_point_follows_the_published_formula(nuscenes_rig, name):
    config = load_network_config(name)
    scale = config.image.width_px / 1600
    post = np.array(((scale, 0, 0),
                     (0, scale, -(round(900 * scale) - config.image.height_px)), (0, 0, 1.0)))
    rays = RayGeometry(nuscenes_rig.cameras, config.frustum)
    points_m = rays.in_key_ego().numpy()
    rows, columns = config.feature_shape
    depths_m = config.depth.bins_m()
    assert points_m.shape == (6, len(depths_m), rows, columns, 3)
    rng = np.random.default_rng(0)
    for _ in range(50):
        n, d, i, j = (rng.integers(size) for size in points_m.shape[:4])
        u = j * (config.image.width_px - 1) / (columns - 1)
        v = i * (config.image.height_px - 1) / (rows - 1)
        p = np.linalg.inv(post) @ (u, v, 1)
        q = np.array((p[0] * depths_m[d], p[1] * depths_m[d], depths_m[d]))
        camera = nuscenes_rig.cameras[n]
        in_camera = np.linalg.inv(camera.intrinsics) @ q
        expected = camera.ego_from_camera[:3, :3] @ in_camera + camera.ego_from_camera[:3, 3]
        np.testing.assert_allclose(points_m[n, d, i, j], expected, atol=1e-5)


def test_ahead_is_plus_x_left_is_plus_y_and_up_is_plus_z(forward_camera, tiny_model):
    config = load_network_config(tiny_model)
    rays = RayGeometry([forward_camera], config.frustum)
    points_m = rays.in_key_ego()[0].numpy()
    depths_m = np.array(config.depth.bins_m())
    np.testing.assert_allclose(
        points_m[..., 0], np.broadcast_to(depths_m[:, None, None], points_m.shape[:3]), atol=1e-5)
    assert (points_m[:, :, 0, 1] > 0).all()  # the image's left half lies to the left
    assert (points_m[:, :, -1, 1] < 0).all()
    assert (points_m[:, 0, :, 2] > points_m[:, -1, :, 2]).all()  # the upper row lies higher


def test_motion_between_exposures_moves_every_camera_on_its_own(nuscenes_rig):
    config = load_network_config('bdc_occ_nano')
    rays = RayGeometry(nuscenes_rig.cameras, config.frustum)
    standing_m = rays.in_key_ego().numpy().astype(np.float64)
    motions = np.stack([moved(0.1 * n, -0.05 * n, 0.01 * n) for n in range(6)])
    expected = (np.einsum('nij,n...j->n...i', motions[:, :3, :3], standing_m)
                + motions[:, None, None, None, :3, 3])
    np.testing.assert_allclose(rays.in_key_ego(motions).numpy(), expected, atol=1e-4)
    np.testing.assert_allclose(rays.in_key_ego(motions)[0].numpy(), standing_m[0], atol=1e-5)
    np.testing.assert_array_equal(rays.in_key_ego().numpy(), standing_m.astype(np.float32))
