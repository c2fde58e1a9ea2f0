# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Textures for what stands in the street, drawn with a few shapes each."""

from collections.abc import Sequence

import cv2
import numpy as np

from bdc_occ_ros.scene.solids import FACES
from bdc_occ_ros.scene.solids import Texture

GLASS_RGB = (52, 68, 84)
TYRE_RGB = (22, 22, 24)
HUB_RGB = (150, 152, 156)
LAMP_RGB = (255, 250, 225)
TAIL_RGB = (200, 24, 24)

Color = Sequence[float]


def _canvas(width_px: int, height_px: int, color: Color) -> np.ndarray:
    """Return a picture of one colour."""
    return np.full((height_px, width_px, 3), color, np.uint8)


def _fill(image: np.ndarray, left: float, top: float, right: float, bottom: float,
          color: Color) -> None:
    """Fill a rectangle given in parts of the picture's width and height."""
    height, width = image.shape[:2]
    image[round(top * height):round(bottom * height), round(left * width):round(right * width)] \
        = color


def _darker(color: Color, factor: float = 0.55) -> tuple[float, ...]:
    """Return a shade of a colour."""
    return tuple(factor * value for value in color)


def speckle(height_px: int, width_px: int, cell_px: int,
            random: np.random.Generator) -> np.ndarray:
    """
    Return smooth noise.

    :param height_px: Rows.
    :param width_px: Columns.
    :param cell_px: Size of a blot, pixels.
    :param random: Source of randomness.
    :return: Noise in -1 to 1, (H, W) float32.
    """
    coarse = random.uniform(-1, 1, (height_px // cell_px + 2, width_px // cell_px + 2))
    return cv2.resize(coarse.astype(np.float32), (width_px, height_px),
                      interpolation=cv2.INTER_CUBIC)


def plain(color: Color) -> dict[str, Texture]:
    """
    Return a skin of one colour, a little darker at the foot.

    :param color: RGB, 0 to 255.
    """
    side = _canvas(8, 32, color) * np.linspace(1.0, 0.82, 32)[:, None, None]
    skin = dict.fromkeys(FACES, Texture(side.astype(np.uint8)))
    return skin | {'top': Texture(_canvas(8, 8, color))}


def foliage(color: Color, random: np.random.Generator) -> dict[str, Texture]:
    """
    Return a skin of leaves.

    :param color: Mean RGB, 0 to 255.
    :param random: Source of randomness.
    """
    blots = 0.5 * speckle(64, 64, 9, random) + 0.5 * speckle(64, 64, 3, random)
    light = np.linspace(1.15, 0.7, 64)[:, None]
    leaves = np.clip(np.array(color) * (light * (1 + 0.45 * blots))[..., None], 0, 255)
    return dict.fromkeys(FACES, Texture(leaves.astype(np.uint8)))


def car_body(color: Color) -> dict[str, Texture]:
    """
    Return the lower half of a car: wheels, doors, lamps.

    :param color: Paint, RGB 0 to 255.
    """
    side = _canvas(128, 40, color)
    _fill(side, 0, 0.78, 1, 1, _darker(color, 0.35))
    for position in (0.34, 0.52, 0.70):
        _fill(side, position, 0.06, position + 0.008, 0.74, _darker(color))
    for center in (24, 102):
        cv2.circle(side, (center, 30), 12, _darker(color, 0.3), -1, cv2.LINE_AA)
        cv2.circle(side, (center, 30), 10, TYRE_RGB, -1, cv2.LINE_AA)
        cv2.circle(side, (center, 30), 5, HUB_RGB, -1, cv2.LINE_AA)
    ends = {}
    for name, lamp in (('front', LAMP_RGB), ('back', TAIL_RGB)):
        end = _canvas(64, 40, color)
        _fill(end, 0, 0.72, 1, 1, _darker(color, 0.35))
        _fill(end, 0.04, 0.2, 0.24, 0.42, lamp)
        _fill(end, 0.76, 0.2, 0.96, 0.42, lamp)
        _fill(end, 0.36, 0.48, 0.64, 0.64, (225, 225, 225))
        ends[name] = Texture(end)
    return ends | {'left': Texture(side), 'right': Texture(side[:, ::-1]),
                   'top': Texture(_canvas(8, 8, color))}


def cabin(color: Color) -> dict[str, Texture]:
    """
    Return the upper half of a car or a driver's cab: glass under a painted roof.

    :param color: Paint, RGB 0 to 255.
    """
    side, end = _canvas(96, 32, color), _canvas(64, 32, color)
    for left, right in ((0.06, 0.48), (0.52, 0.94)):
        _fill(side, left, 0.2, right, 0.92, GLASS_RGB)
    _fill(end, 0.07, 0.18, 0.93, 0.95, GLASS_RGB)
    _fill(end, 0.07, 0.18, 0.93, 0.32, (96, 116, 136))
    return {'front': Texture(end), 'back': Texture(end), 'left': Texture(side),
            'right': Texture(side), 'top': Texture(_canvas(8, 8, color))}


def coach(color: Color, num_windows: int) -> dict[str, Texture]:
    """
    Return a bus (or a van for cargo when it has no windows).

    :param color: Paint, RGB 0 to 255.
    :param num_windows: Windows along a side.
    """
    side, end = _canvas(192, 64, color), _canvas(64, 64, color)
    _fill(side, 0, 0.66, 1, 0.71, _darker(color, 0.7))
    _fill(side, 0, 0.88, 1, 1, (50, 50, 52))
    for index in range(num_windows):
        left = 0.03 + 0.95 * index / num_windows
        _fill(side, left, 0.16, left + 0.82 / num_windows, 0.5, GLASS_RGB)
    for center in (36, 156):
        cv2.circle(side, (center, 57), 8, TYRE_RGB, -1, cv2.LINE_AA)
        cv2.circle(side, (center, 57), 4, HUB_RGB, -1, cv2.LINE_AA)
    _fill(end, 0, 0.9, 1, 1, (50, 50, 52))
    back = end.copy()
    if num_windows:
        _fill(end, 0.06, 0.12, 0.94, 0.55, GLASS_RGB)
        _fill(end, 0.06, 0.72, 0.2, 0.8, LAMP_RGB)
        _fill(end, 0.8, 0.72, 0.94, 0.8, LAMP_RGB)
    for left in (0.05, 0.85):
        _fill(back, left, 0.74, left + 0.1, 0.86, TAIL_RGB)
    return {'front': Texture(end), 'back': Texture(back), 'left': Texture(side),
            'right': Texture(side[:, ::-1]), 'top': Texture(_canvas(8, 8, color))}


def striped(first: Color, second: Color) -> dict[str, Texture]:
    """
    Return slanted stripes, as on a barrier.

    :param first: RGB, 0 to 255.
    :param second: RGB, 0 to 255.
    """
    column, row = np.meshgrid(np.arange(96), np.arange(32))
    is_first = (column + row) // 12 % 2 == 0
    return dict.fromkeys(FACES, Texture(np.where(is_first[..., None], first, second)
                                        .astype(np.uint8)))


def facade(width_m: float, height_m: float, color: Color,
           random: np.random.Generator) -> Texture:
    """
    Return a house front with rows of windows over a ground floor.

    :param width_m: Width of the front.
    :param height_m: Height of the front.
    :param color: Plaster, RGB 0 to 255.
    :param random: Source of randomness.
    """
    scale = 12  # texels per metre
    image = _canvas(round(width_m * scale), round(height_m * scale), color).astype(np.float32)
    image *= 1 + 0.05 * speckle(*image.shape[:2], 7, random)[..., None]
    floor_m, bay_m = 3.2, 2.8
    for floor in range(int((height_m - 0.6) / floor_m)):
        bottom_m = height_m - floor * floor_m
        _fill(image, 0, (bottom_m - 0.12) / height_m, 1, bottom_m / height_m, _darker(color, 0.8))
        for bay in range(int(width_m / bay_m)):
            left_m = (width_m - int(width_m / bay_m) * bay_m) / 2 + bay * bay_m
            glass = np.array(GLASS_RGB) * random.uniform(0.7, 1.5)
            tall = 2.4 if floor == 0 else 1.6
            edges = ((left_m + 0.6) / width_m, (bottom_m - 0.5 - tall) / height_m,
                     (left_m + 2.2) / width_m, (bottom_m - 0.5) / height_m)
            _fill(image, *edges, np.minimum(np.array(color) * 1.2, 250))
            _fill(image, edges[0] + 0.1 / width_m, edges[1] + 0.1 / height_m,
                  edges[2] - 0.1 / width_m, edges[3] - 0.08 / height_m, glass)
    return Texture(np.clip(image, 0, 255).astype(np.uint8))
