# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Straightened images of every lens model against projected points."""

from dataclasses import replace

import numpy as np
import pytest

from bdc_occ_ros.geometry.camera_rig import Camera
from bdc_occ_ros.geometry.undistortion import largest_valid_radius, Undistortion

SKEW = 20.0
INTRINSICS = np.array(((300.0, SKEW, 320), (0, 310, 240), (0, 0, 1)))
STRAIGHT = Camera('CAM', 640, 480, INTRINSICS, np.eye(4))
MODELS = {
    'plumb_bob': (-0.3, 0.12, 0.004, -0.003, -0.02),
    'rational_polynomial': (0.8, 0.2, 0.002, -0.001, 0.01, 1.1, 0.4, 0.03),
    'equidistant': (-0.03, 0.01, -0.004, 0.0006),
}


def camera_with(model):
    return replace(STRAIGHT, distortion_model=model, distortion=np.array(MODELS[model]))


def draw_through_the_lens(model, x, y):
    """Return the pixel at which a lens draws the direction (x, y, 1), by the models' formulas."""
    c = np.zeros(8)
    c[:len(MODELS[model])] = MODELS[model]
    if model == 'equidistant':
        radius = np.hypot(x, y)
        angle = np.arctan(radius)
        bent = angle + c[0] * angle**3 + c[1] * angle**5 + c[2] * angle**7 + c[3] * angle**9
        x, y = x * bent / radius, y * bent / radius
    else:
        r2 = x * x + y * y
        factor = ((1 + c[0] * r2 + c[1] * r2**2 + c[4] * r2**3)
                  / (1 + c[5] * r2 + c[6] * r2**2 + c[7] * r2**3))
        x, y = (x * factor + 2 * c[2] * x * y + c[3] * (r2 + 2 * x * x),
                y * factor + c[2] * (r2 + 2 * y * y) + 2 * c[3] * x * y)
    return (INTRINSICS @ (x, y, 1.0))[:2]


@pytest.mark.parametrize('model', MODELS)
def test_a_spot_seen_through_the_lens_comes_to_where_a_pinhole_sees_it(model):
    undistort = Undistortion(camera_with(model))
    for x, y in ((0.45, 0.3), (-0.5, 0.2), (0.1, -0.4), (-0.35, -0.35)):
        column, row = draw_through_the_lens(model, x, y)
        straight = (INTRINSICS @ (x, y, 1.0))[:2]
        assert np.hypot(*(straight - (column, row))) > 3  # it is bent
        image = np.zeros((480, 640, 3), dtype=np.uint8)
        rows, columns = np.mgrid[:480, :640]
        image[(rows - row) ** 2 + (columns - column) ** 2 < 16] = 255
        lit_rows, lit_columns = np.nonzero(undistort(image)[..., 0] > 127)
        np.testing.assert_allclose(
            (lit_columns.mean(), lit_rows.mean()), straight, atol=0.5)


@pytest.mark.parametrize('model', ['', 'plumb_bob', 'rational_polynomial'])
def test_nothing_is_done_when_the_distortion_is_zero(model):
    zeros = np.zeros({'': 0, 'plumb_bob': 5, 'rational_polynomial': 8}[model])
    undistort = Undistortion(replace(STRAIGHT, distortion_model=model, distortion=zeros))
    image = np.random.default_rng(0).integers(0, 256, (480, 640, 3), dtype=np.uint8)
    assert undistort(image) is image and undistort.is_filled is None


def test_pixels_that_the_lens_did_not_reach_are_black_and_not_filled():
    undistort = Undistortion(camera_with('plumb_bob').resized(640, 480))
    pincushion = Undistortion(replace(
        STRAIGHT, distortion_model='plumb_bob', distortion=np.array((0.4, 0.0, 0.0, 0.0))))
    white = np.full((480, 640, 3), 255, dtype=np.uint8)
    assert undistort.is_filled.all()  # a barrel shows more than the pinhole needs
    assert not pincushion.is_filled.all()
    result = pincushion(white)[..., 0]
    assert (result[~pincushion.is_filled] == 0).all()
    assert (result[pincushion.is_filled] == 255).mean() > 0.999


def test_a_polynomial_that_turns_back_is_followed_up_to_its_turn_only():
    camera = replace(STRAIGHT, distortion_model='plumb_bob',
                     distortion=np.array((-0.6, 0.0, 0.0, 0.0)))
    turn = np.sqrt(1 / (3 * 0.6))  # where r - 0.6 r^3 is largest
    assert largest_valid_radius(camera, 2.0) == pytest.approx(turn, abs=1e-3)
    filled = Undistortion(camera).is_filled
    rows, columns = np.mgrid[:480, :640]
    down = (rows - 240) / 310
    radius = np.hypot((columns - 320 - SKEW * down) / 300, down)
    assert filled[radius < turn - 0.01].all() and not filled[radius > turn + 0.01].any()
