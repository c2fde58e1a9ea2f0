# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The ground of the street: which class lies where, and its picture from above."""

import numpy as np

from bdc_occ_ros.scene.objects import LABEL
from bdc_occ_ros.scene.skins import speckle

ROAD_HALF_WIDTH_M = 7.0
SIDEWALK_END_M = 10.5
FORECOURT_END_M = 15.0
CROSSING_M = 105.0
CROSSING_HALF_WIDTH_M = 5.0
CROSSING_SIDEWALK_M = 7.5
FORECOURT_M = ((20.0, 52.0, 1), (60.0, 92.0, -1), (128.0, 160.0, 1), (170.0, 196.0, -1))

LOWER_M = (-90.0, -60.0)
UPPER_M = (260.0, 60.0)
TEXEL_M = 0.0625  # makes the picture's size a multiple of 16
LANE_M = 3.5
PAINT_RGB = (226, 226, 220)
YELLOW_RGB = (222, 178, 60)
COLORS_RGB = {'driveable_surface': (92, 94, 98), 'sidewalk': (168, 162, 152),
              'terrain': (104, 128, 66), 'other_flat': (146, 132, 120)}


def ground_labels(x_m: np.ndarray, y_m: np.ndarray) -> np.ndarray:
    """
    Return the occupancy class of the ground.

    :param x_m: World x, any shape.
    :param y_m: World y, a shape that broadcasts with x_m.
    :return: Labels of the broadcast shape, uint8.
    """
    x_m, y_m = np.broadcast_arrays(x_m, y_m)
    aside, across = np.abs(y_m), np.abs(x_m - CROSSING_M)
    labels = np.full(x_m.shape, LABEL['terrain'], np.uint8)
    for start_m, stop_m, side in FORECOURT_M:
        labels[(x_m >= start_m) & (x_m < stop_m) & (y_m * side > 0)
               & (aside < FORECOURT_END_M)] = LABEL['other_flat']
    labels[(aside < SIDEWALK_END_M) | (across < CROSSING_SIDEWALK_M)] = LABEL['sidewalk']
    labels[(aside < ROAD_HALF_WIDTH_M) | (across < CROSSING_HALF_WIDTH_M)] \
        = LABEL['driveable_surface']
    return labels


def ground_texture(random: np.random.Generator) -> np.ndarray:
    """
    Paint the ground from above.

    Row 0 is the left edge (upper y), column 0 the start (lower x); a texel is TEXEL_M wide.

    :param random: Source of randomness.
    :return: RGB, (H, W, 3) uint8.
    """
    x_m = np.arange(LOWER_M[0], UPPER_M[0], TEXEL_M, np.float32)
    y_m = np.arange(UPPER_M[1], LOWER_M[1], -TEXEL_M, np.float32)
    labels = ground_labels(x_m[None], y_m[:, None])
    palette = np.zeros((len(LABEL), 3), np.uint8)
    for name, color in COLORS_RGB.items():
        palette[LABEL[name]] = color
    image = palette[labels]
    shape = labels.shape
    grain = 0.5 * speckle(*shape, 3, random) + 0.5 * speckle(*shape, 60, random)
    depth = np.full(len(LABEL), 0.07, np.float32)
    depth[LABEL['terrain']] = 0.2
    grain *= depth[labels]
    _paint_slabs(grain, labels, x_m, y_m)
    for channel in range(3):
        image[..., channel] = np.clip(image[..., channel] * (1 + grain), 0, 255)
    _paint_markings(image)
    return image


def _paint_slabs(grain: np.ndarray, labels: np.ndarray, x_m: np.ndarray, y_m: np.ndarray
                 ) -> None:
    """Darken the joints between the slabs of sidewalks and forecourts."""
    joints = ((x_m % 1.5 < 0.07)[None] | (y_m % 1.5 < 0.07)[:, None])
    paved = (labels == LABEL['sidewalk']) | (labels == LABEL['other_flat'])
    grain[joints & paved] -= 0.18


def _stripe(image: np.ndarray, x_m: tuple[float, float], y_m: tuple[float, float],
            color: tuple[int, int, int]) -> None:
    """Paint a rectangle given in world coordinates, lightly worn."""
    left, right = (round((x - LOWER_M[0]) / TEXEL_M) for x in x_m)
    top, bottom = (round((UPPER_M[1] - y) / TEXEL_M) for y in (y_m[1], y_m[0]))
    region = image[top:bottom, left:right]
    region[:] = 0.9 * np.array(color) + 0.1 * region


def _paint_markings(image: np.ndarray) -> None:
    """Paint lanes, edges, kerbs, stop lines and the two pedestrian crossings."""
    start, stop = CROSSING_M - CROSSING_SIDEWALK_M - 4, CROSSING_M + CROSSING_SIDEWALK_M + 4
    for begin, end in ((LOWER_M[0], start), (stop, UPPER_M[0])):
        for y in (0.14, -0.14):
            _stripe(image, (begin, end), (y - 0.06, y + 0.06), YELLOW_RGB)
        for y in (-6.75, 6.75):
            _stripe(image, (begin, end), (y - 0.06, y + 0.06), PAINT_RGB)
        for y in (-7.1, 7.1):
            _stripe(image, (begin, end), (y - 0.12, y + 0.12), (196, 194, 188))
        for dash in np.arange(begin, end - 3.0, 9.0):
            for y in (-LANE_M, LANE_M):
                _stripe(image, (dash, dash + 3.0), (y - 0.07, y + 0.07), PAINT_RGB)
    for x, side in ((start - 0.6, -1), (stop + 0.2, 1)):
        _stripe(image, (x, x + 0.4), tuple(sorted((0.3 * side, 6.9 * side))), PAINT_RGB)
    for x in (start, stop - 3.5):
        for y in np.arange(-6.6, 6.4, 1.0):
            _stripe(image, (x, x + 3.5), (y, y + 0.5), PAINT_RGB)
