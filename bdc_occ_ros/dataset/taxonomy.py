# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Define the names in nuScenes' tables: sensors, categories, attributes, and keys of rows."""

import hashlib

LIDAR = 'LIDAR_TOP'
CAMERAS = ('CAM_FRONT_LEFT', 'CAM_FRONT', 'CAM_FRONT_RIGHT', 'CAM_BACK_LEFT', 'CAM_BACK',
           'CAM_BACK_RIGHT')  # the first is the key camera
# Category in the annotations by the class of the detection task.
CATEGORY_OF_CLASS = {
    'car': 'vehicle.car', 'truck': 'vehicle.truck', 'construction_vehicle': 'vehicle.construction',
    'bus': 'vehicle.bus.rigid', 'trailer': 'vehicle.trailer', 'barrier': 'movable_object.barrier',
    'motorcycle': 'vehicle.motorcycle', 'bicycle': 'vehicle.bicycle',
    'pedestrian': 'human.pedestrian.adult', 'traffic_cone': 'movable_object.trafficcone',
}
ATTRIBUTES = ('vehicle.moving', 'vehicle.stopped', 'vehicle.parked', 'cycle.with_rider',
              'cycle.without_rider', 'pedestrian.moving', 'pedestrian.standing',
              'pedestrian.sitting_lying_down')
VISIBILITY = {'1': 'v0-40', '2': 'v40-60', '3': 'v60-80', '4': 'v80-100'}
CYCLES = ('motorcycle', 'bicycle')
STILL = ('barrier', 'traffic_cone')
MOVING_MPS = 0.2


def attribute_of(class_name: str, speed_mps: float) -> str:
    """
    Return the attribute that a class has at a speed, as the evaluation tells them apart.

    :return: Its name; empty for what has none.
    """
    if class_name in STILL:
        return ''
    is_moving = speed_mps > MOVING_MPS
    if class_name == 'pedestrian':
        return 'pedestrian.moving' if is_moving else 'pedestrian.standing'
    if class_name in CYCLES:
        return 'cycle.with_rider' if is_moving else 'cycle.without_rider'
    if is_moving:
        return 'vehicle.moving'
    return 'vehicle.stopped' if class_name == 'bus' else 'vehicle.parked'


def fixed_tables() -> dict[str, list[dict[str, str]]]:
    """Return the tables category, attribute and visibility."""
    return {
        'category': [{'token': token('category', name), 'name': name, 'description': ''}
                     for name in CATEGORY_OF_CLASS.values()],
        'attribute': [{'token': token('attribute', name), 'name': name, 'description': ''}
                      for name in ATTRIBUTES],
        'visibility': [{'token': key, 'level': level, 'description': ''}
                       for key, level in VISIBILITY.items()],
    }


def token(*parts: str | int) -> str:
    """Return the key of what the words name, 32 hexadecimal digits, always the same."""
    return hashlib.md5('/'.join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()
