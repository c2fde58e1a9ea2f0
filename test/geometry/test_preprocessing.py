# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Scaling, cropping and colours of images whose pixels are known."""

from dataclasses import replace

import cv2
import numpy as np
from PIL import Image
import pytest
import torch

from bdc_occ_ros.geometry.calibration_file import load_calibration
from bdc_occ_ros.geometry.camera_rig import Camera
from bdc_occ_ros.geometry.frustum import ImageConfig
from bdc_occ_ros.geometry.preprocessing import (
    decode_reduction,
    normalize_images,
    Preprocessor,
    rig_frustum,
)
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.share import share_path

PUBLISHED = ImageConfig(height_px=256, width_px=704, channel_order='bgr')


def camera_of_size(width_px, height_px):
    intrinsics = np.array(((width_px, 0, width_px / 2), (0, width_px, height_px / 2), (0, 0, 1.0)))
    return Camera('CAM', width_px, height_px, intrinsics, np.eye(4))


def noise(camera, seed=0):
    return np.random.default_rng(seed).integers(
        0, 256, (camera.height_px, camera.width_px, 3), dtype=np.uint8)


def test_a_nuscenes_image_becomes_the_rows_140_to_395_of_704x396():
    preprocess = Preprocessor(camera_of_size(1600, 900), PUBLISHED)
    np.testing.assert_allclose(
        preprocess.input_from_image, ((0.44, 0, 0), (0, 0.44, -140), (0, 0, 1)), atol=1e-15)
    image = noise(camera_of_size(1600, 900))
    resized = np.asarray(Image.fromarray(image).resize((704, 396), Image.BICUBIC))
    np.testing.assert_array_equal(preprocess(image), resized[140:396])


def test_a_mark_in_the_image_lands_where_the_matrix_says():
    camera = camera_of_size(1600, 900)
    preprocess = Preprocessor(camera, PUBLISHED)
    image = np.zeros((900, 1600, 3), dtype=np.uint8)
    image[600:605, 1000:1005] = 255
    rows, columns = np.nonzero(preprocess(image)[..., 0] > 100)
    expected = preprocess.input_from_image @ (1002, 602, 1)
    np.testing.assert_allclose((columns.mean(), rows.mean()), expected[:2], atol=0.5)


@pytest.mark.parametrize(('width_px', 'height_px', 'first_row_px'), [
    (1936, 1216, (442 - 256) * 1216 / 442), (640, 480, (528 - 256) * 480 / 528),
    (704, 256, 0.0), (352, 128, 0.0), (4000, 3000, (528 - 256) * 3000 / 528)])
def test_any_size_and_aspect_keeps_the_whole_width_and_the_lower_rows(
        width_px, height_px, first_row_px):
    camera = camera_of_size(width_px, height_px)
    preprocess = Preprocessor(camera, PUBLISHED)
    assert preprocess(noise(camera)).shape == (256, 704, 3)
    assert preprocess.first_row_px == pytest.approx(first_row_px)
    corners = np.array(((0, 0), (width_px, height_px)), dtype=float)
    mapped = np.column_stack([corners, np.ones(2)]) @ preprocess.input_from_image.T
    np.testing.assert_allclose(mapped[:, 0], (0, 704), atol=1e-9)
    np.testing.assert_allclose(mapped[1, 1], 256, atol=1e-9)


def test_an_image_that_is_too_flat_gets_black_rows_on_top():
    camera = camera_of_size(1408, 200)
    preprocess = Preprocessor(camera, PUBLISHED)
    result = preprocess(np.full((200, 1408, 3), 255, dtype=np.uint8))
    assert (result[:156] == 0).all() and (result[156:] == 255).all()
    np.testing.assert_allclose(preprocess.input_from_image @ (0, 0, 1), (0, 156, 1))
    assert preprocess.first_row_px == 0.0


@pytest.fixture
def looking_ahead(forward_camera):
    """Return what makes cameras that look ahead, pitched down and rolled to the right."""
    def make(width_px, height_px, focal_px, height_m, pitch_deg=0.0, roll_deg=0.0):
        mount = forward_camera.ego_from_camera.copy()
        mount[2, 3] = height_m
        pitch, roll = (cv2.Rodrigues(np.radians(angles))[0]
                       for angles in ((0.0, pitch_deg, 0.0), (0.0, 0.0, roll_deg)))
        mount[:3, :3] = pitch @ mount[:3, :3] @ roll
        intrinsics = np.array(
            ((focal_px, 0, width_px / 2), (0, focal_px, height_px / 2), (0, 0, 1.0)))
        return Camera(f'{width_px}x{height_px}', width_px, height_px, intrinsics, mount)
    return make


CAR, ROBOT = (1600, 900, 1266, 1.5), (640, 480, 400, 0.9, 10)


@pytest.mark.parametrize('rig', ['n008', 'n008_2018_05', 'n015'])
@pytest.mark.parametrize('model', ['bdc_occ_nano_half', 'flashocc_r50'])
def test_the_input_of_a_nuscenes_rig_is_that_of_the_network_s_config(rig, model):
    frustum = load_network_config(model).frustum
    cameras = load_calibration(share_path('config', f'calibration_nuscenes_{rig}.yaml'))
    for size in ((1600, 900), (800, 450), (400, 225), (160, 90)):
        assert rig_frustum(frustum, cameras.resized(*size).cameras) == frustum


@pytest.mark.parametrize(('cameras', 'rows'), [
    ([CAR], 128), ([ROBOT], 272), ([CAR, ROBOT], 272), ([(1936, 1216, 2160, 1.4)], 224),
    ([(800, 800, 500, 1.2)], 352), ([(1080, 1920, 1500, 1.4)], 352),
    ([(1408, 400, 900, 1.5)], 128), ([(*CAR, 10)], 208), ([(*CAR, 0, 180)], 208),
    ([(1600, 900, 1266, 0.3)], 208), ([(640, 480, 400, 2.5)], 272),
    ([(640, 480, 400, 2.5, -5)], 128)])
def test_an_input_has_the_rows_that_show_more_than_sky(looking_ahead, cameras, rows):
    frustum = load_network_config('bdc_occ_nano_half').frustum
    cameras = [looking_ahead(*camera) for camera in cameras]
    image = rig_frustum(frustum, cameras).image
    assert image == replace(frustum.image, height_px=rows)
    if rows > 128:
        assert max(Preprocessor(camera, image).first_row_px for camera in cameras) == 0


def test_a_portrait_keeps_all_its_rows_beside_black_columns():
    camera = camera_of_size(90, 160)
    preprocess = Preprocessor(camera, ImageConfig(height_px=352, width_px=352))
    result = preprocess(np.full((160, 90, 3), 255, dtype=np.uint8))
    assert (result[:, :198] == 255).all() and (result[:, 198:] == 0).all()
    np.testing.assert_allclose(preprocess.input_from_image @ (90, 160, 1), (198, 352, 1))


def test_pure_red_lights_the_last_channel_in_bgr_and_the_first_in_rgb():
    red = torch.zeros(1, 2, 2, 3, dtype=torch.uint8)
    red[..., 0] = 255
    low = -np.array(PUBLISHED.mean) / PUBLISHED.std
    high = (255 - np.array(PUBLISHED.mean)) / PUBLISHED.std
    for order, lit in (('bgr', 2), ('rgb', 0)):
        normalized = normalize_images(red, replace(PUBLISHED, channel_order=order))
        expected = [high[c] if c == lit else low[c] for c in range(3)]
        assert normalized.shape == (1, 3, 2, 2) and normalized.dtype == torch.float32
        np.testing.assert_allclose(normalized[0, :, 1, 0], expected, rtol=1e-6)


def test_normalizing_keeps_rows_and_columns():
    image = torch.arange(24, dtype=torch.uint8).reshape(2, 4, 3)
    config = replace(PUBLISHED, channel_order='rgb', mean=(0.0, 0.0, 0.0), std=(1.0, 2.0, 4.0))
    expected = image.permute(2, 0, 1) / torch.tensor((1.0, 2.0, 4.0)).view(3, 1, 1)
    torch.testing.assert_close(normalize_images(image, config), expected)


@pytest.mark.parametrize(('width_px', 'input_width_px', 'reduction'), [
    (1600, 704, 2), (1600, 352, 4), (1600, 200, 8), (1600, 100, 8), (1600, 801, 1),
    (1600, 800, 2), (640, 704, 1), (1936, 704, 2)])
def test_decode_reduction_stops_at_the_width_of_the_input(width_px, input_width_px, reduction):
    config = ImageConfig(height_px=64, width_px=input_width_px)
    assert decode_reduction(camera_of_size(width_px, 900), config) == reduction


def test_a_reduced_image_gives_nearly_the_same_input():
    camera = camera_of_size(1600, 900)
    rows, columns = np.mgrid[:900, :1600]
    waves = 127 + 60 * np.sin(columns / 40) + 60 * np.cos(rows / 30)
    image = np.repeat(waves[..., None], 3, axis=-1).astype(np.uint8)
    halved = image.reshape(450, 2, 800, 2, 3).mean(axis=(1, 3)).astype(np.uint8)
    exact = Preprocessor(camera, PUBLISHED)(image)
    reduced = Preprocessor(camera.resized(800, 450), PUBLISHED)(halved)
    assert np.abs(exact.astype(int) - reduced).max() <= 4
