# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cars, people, trees and houses as a few textured boxes each."""

import numpy as np

from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.scene import skins
from bdc_occ_ros.scene.solids import Part
from bdc_occ_ros.scene.solids import SceneObject

LABEL = {name: index for index, name in enumerate(OCCUPANCY_CLASS_NAMES)}
PAINTS = ((178, 34, 38), (36, 74, 140), (214, 214, 216), (64, 66, 70), (150, 154, 158),
          (32, 92, 70), (196, 160, 96), (242, 242, 240))
CLOTHES = ((168, 60, 52), (60, 82, 140), (212, 176, 72), (70, 120, 86), (120, 84, 130))
PLASTER = ((206, 184, 152), (186, 140, 116), (172, 176, 178), (214, 206, 188), (150, 120, 104),
           (192, 198, 190))
LEAVES = ((72, 118, 52), (92, 134, 58), (58, 104, 60))


def car(position_m: tuple[float, float], yaw_rad: float, speed_mps: float,
        random: np.random.Generator) -> SceneObject:
    """
    Return a saloon.

    :param position_m: World x y at time 0.
    :param yaw_rad: Heading.
    :param speed_mps: Speed along the heading.
    :param random: Chooses paint and size.
    """
    paint = PAINTS[random.integers(len(PAINTS))]
    length, width = random.uniform(4.2, 4.8), random.uniform(1.78, 1.92)
    parts = (Part((0, 0, 0.55), (length, width, 0.8), skins.car_body(paint)),
             Part((-0.15, 0, 1.22), (0.56 * length, 0.88 * width, 0.56), skins.cabin(paint)))
    return SceneObject(LABEL['car'], parts, position_m, yaw_rad, speed_mps)


def truck(position_m: tuple[float, float], yaw_rad: float, speed_mps: float,
          random: np.random.Generator) -> SceneObject:
    """
    Return a lorry with a box body.

    :param position_m: World x y at time 0.
    :param yaw_rad: Heading.
    :param speed_mps: Speed along the heading.
    :param random: Chooses paint.
    """
    paint = PAINTS[random.integers(len(PAINTS))]
    parts = (Part((-0.9, 0, 1.85), (6.0, 2.4, 2.9), skins.coach((222, 222, 218), 0)),
             Part((3.1, 0, 0.85), (1.8, 2.2, 1.0), skins.car_body(paint)),
             Part((3.0, 0, 1.9), (1.6, 2.2, 1.1), skins.cabin(paint)))
    return SceneObject(LABEL['truck'], parts, position_m, yaw_rad, speed_mps)


def bus(position_m: tuple[float, float], yaw_rad: float, speed_mps: float) -> SceneObject:
    """
    Return a city bus.

    :param position_m: World x y at time 0.
    :param yaw_rad: Heading.
    :param speed_mps: Speed along the heading.
    """
    parts = (Part((0, 0, 1.75), (11.0, 2.55, 2.9), skins.coach((226, 172, 40), 7)),)
    return SceneObject(LABEL['bus'], parts, position_m, yaw_rad, speed_mps)


def trailer(position_m: tuple[float, float], yaw_rad: float) -> SceneObject:
    """
    Return a parked trailer.

    :param position_m: World x y.
    :param yaw_rad: Heading.
    """
    parts = (Part((0, 0, 1.9), (7.5, 2.4, 2.7), skins.coach((140, 96, 62), 0)),)
    return SceneObject(LABEL['trailer'], parts, position_m, yaw_rad)


def excavator(position_m: tuple[float, float], yaw_rad: float) -> SceneObject:
    """
    Return a construction vehicle.

    :param position_m: World x y.
    :param yaw_rad: Heading.
    """
    yellow, dark = (230, 168, 20), (48, 48, 50)
    parts = (Part((0, 0, 0.5), (3.6, 2.5, 0.9), skins.plain(dark)),
             Part((-0.3, 0, 1.6), (2.8, 2.3, 1.3), skins.plain(yellow)),
             Part((0.4, 0.6, 2.55), (1.3, 1.0, 0.8), skins.cabin(yellow)),
             Part((2.5, -0.4, 2.4), (3.2, 0.45, 0.5), skins.plain(yellow)))
    return SceneObject(LABEL['construction_vehicle'], parts, position_m, yaw_rad)


def pedestrian(position_m: tuple[float, float], yaw_rad: float, speed_mps: float,
               random: np.random.Generator) -> SceneObject:
    """
    Return a walking person.

    :param position_m: World x y at time 0.
    :param yaw_rad: Heading.
    :param speed_mps: Speed along the heading.
    :param random: Chooses clothes.
    """
    coat = CLOTHES[random.integers(len(CLOTHES))]
    parts = (Part((0.08, 0.12, 0.42), (0.2, 0.18, 0.84), skins.plain((44, 46, 62))),
             Part((-0.08, -0.12, 0.42), (0.2, 0.18, 0.84), skins.plain((44, 46, 62))),
             Part((0, 0, 1.14), (0.28, 0.5, 0.64), skins.plain(coat)),
             Part((0, 0, 1.6), (0.22, 0.2, 0.26), skins.plain((206, 160, 130))))
    return SceneObject(LABEL['pedestrian'], parts, position_m, yaw_rad, speed_mps)


def two_wheeler(name: str, position_m: tuple[float, float], yaw_rad: float, speed_mps: float,
                random: np.random.Generator) -> SceneObject:
    """
    Return a bicycle or motorcycle with its rider, who belongs to it as in nuScenes.

    :param name: bicycle or motorcycle.
    :param position_m: World x y at time 0.
    :param yaw_rad: Heading.
    :param speed_mps: Speed along the heading.
    :param random: Chooses clothes.
    """
    coat = CLOTHES[random.integers(len(CLOTHES))]
    frame = (40, 40, 44) if name == 'bicycle' else (150, 30, 30)
    parts = (Part((0.6, 0, 0.33), (0.62, 0.1, 0.66), skins.plain(skins.TYRE_RGB)),
             Part((-0.6, 0, 0.33), (0.62, 0.1, 0.66), skins.plain(skins.TYRE_RGB)),
             Part((0, 0, 0.62), (0.9, 0.22, 0.34), skins.plain(frame)),
             Part((-0.1, 0, 1.15), (0.3, 0.46, 0.72), skins.plain(coat)),
             Part((0, 0, 1.64), (0.24, 0.22, 0.26), skins.plain((235, 235, 235))))
    return SceneObject(LABEL[name], parts, position_m, yaw_rad, speed_mps)


def barrier(position_m: tuple[float, float], yaw_rad: float) -> SceneObject:
    """
    Return a striped barrier.

    :param position_m: World x y.
    :param yaw_rad: Direction of its normal.
    """
    parts = (Part((0, 0, 0.75), (0.2, 2.2, 0.5), skins.striped((214, 40, 40), (240, 240, 240))),
             Part((0, -0.9, 0.25), (0.4, 0.15, 0.5), skins.plain((90, 90, 92))),
             Part((0, 0.9, 0.25), (0.4, 0.15, 0.5), skins.plain((90, 90, 92))))
    return SceneObject(LABEL['barrier'], parts, position_m, yaw_rad)


def cone(position_m: tuple[float, float]) -> SceneObject:
    """
    Return a traffic cone.

    :param position_m: World x y.
    """
    orange, white = (238, 96, 24), (240, 240, 240)
    layers = ((0.03, 0.42, 0.06, orange), (0.2, 0.28, 0.28, orange), (0.42, 0.2, 0.16, white),
              (0.6, 0.12, 0.2, orange))
    parts = tuple(Part((0, 0, z), (width, width, height), skins.plain(color))
                  for z, width, height, color in layers)
    return SceneObject(LABEL['traffic_cone'], parts, position_m)


def tree(position_m: tuple[float, float], random: np.random.Generator) -> SceneObject:
    """
    Return a tree: a trunk and a crown of four turned-over boxes.

    :param position_m: World x y.
    :param random: Chooses size and green.
    """
    leaves = LEAVES[random.integers(len(LEAVES))]
    height, width = random.uniform(1.9, 2.5), random.uniform(2.4, 3.4)
    green = [skins.foliage(np.array(leaves) * shade, random) for shade in (1.0, 0.86, 1.12)]
    parts = (Part((0, 0, height / 2), (0.35, 0.35, height), skins.plain((96, 74, 54))),
             Part((0, 0, height + 0.9), (width, width, 1.5), green[0]),
             Part((0.15, -0.1, height + 1.1), (0.7 * width, 0.7 * width, 2.6), green[2]),
             Part((-0.2, 0.2, height + 0.7), (1.18 * width, 0.55 * width, 0.9), green[1]),
             Part((0.2, 0.1, height + 0.8), (0.5 * width, 1.2 * width, 1.0), green[0]))
    return SceneObject(LABEL['vegetation'], parts, position_m, random.uniform(0, np.pi / 2))


def hedge(position_m: tuple[float, float], length_m: float, random: np.random.Generator
          ) -> SceneObject:
    """
    Return a hedge along the road.

    :param position_m: World x y.
    :param length_m: Length along x.
    :param random: Chooses height and green.
    """
    leaves = LEAVES[random.integers(len(LEAVES))]
    height = random.uniform(0.8, 1.3)
    parts = (Part((0, 0, height / 2), (length_m, 0.9, height), skins.foliage(leaves, random)),)
    return SceneObject(LABEL['vegetation'], parts, position_m)


def lamp_post(position_m: tuple[float, float], yaw_rad: float) -> SceneObject:
    """
    Return a street lamp whose arm points along its heading.

    :param position_m: World x y.
    :param yaw_rad: Direction of the arm.
    """
    steel = (110, 116, 122)
    parts = (Part((0, 0, 3.0), (0.18, 0.18, 6.0), skins.plain(steel)),
             Part((0.9, 0, 6.0), (2.0, 0.12, 0.12), skins.plain(steel)),
             Part((1.7, 0, 5.9), (0.6, 0.25, 0.12), skins.plain((240, 236, 210))))
    return SceneObject(LABEL['manmade'], parts, position_m, yaw_rad)


def house(position_m: tuple[float, float], size_m: tuple[float, float, float],
          random: np.random.Generator) -> SceneObject:
    """
    Return a house with windows on all sides.

    :param position_m: World x y of its middle.
    :param size_m: Length along x, depth along y, height.
    :param random: Chooses plaster and curtains.
    """
    plaster = PLASTER[random.integers(len(PLASTER))]
    length, depth, height = size_m
    along, across = (skins.facade(width, height, plaster, random) for width in (length, depth))
    skin = {'left': along, 'right': along, 'front': across, 'back': across}
    roof = skins.plain((112, 84, 76))
    parts = (Part((0, 0, height / 2), size_m, skin | {'top': roof['top']}),
             Part((0, 0, height + 0.2), (length + 0.5, depth + 0.5, 0.4), roof))
    return SceneObject(LABEL['manmade'], parts, position_m)
