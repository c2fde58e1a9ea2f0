# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Describe the bags that public converters make of nuScenes: topics, types, stamps and faults.

Known from the converters' sources. The names are those of config/dataset_<name>.yaml.
"""

from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from bdc_occ_ros.bags import ODOM_FRAME
from bdc_occ_ros.bags.bag_file import Storage
from bdc_occ_ros.bags.messages import IDENTITY
from bdc_occ_ros.errors import UsageError

NO_ROTATION = (0.0,) * 9
ONES_IN_A_COLUMN = (1.0, 0.0, 0.0) * 3
READING_ORDER = ('CAM_BACK', 'CAM_FRONT', 'CAM_FRONT_LEFT', 'CAM_FRONT_RIGHT', 'CAM_BACK_RIGHT',
                 'CAM_BACK_LEFT')
READING_NS = 25_000_000
XYZI, XYZIR = (np.dtype([(name, '<f4') for name in names]) for names in (
    ('x', 'y', 'z', 'intensity'), ('x', 'y', 'z', 'intensity', 'ring')))
XYZIR_OF_PCL = np.dtype({'names': XYZIR.names, 'formats': ['<f4'] * 5,
                         'offsets': (0, 4, 8, 16, 20), 'itemsize': 32})  # padded for SSE


@dataclass(frozen=True)
class ConverterFormat:
    """
    Describe the bags of one converter.

    In topics and frames {name} stands for the camera's name, {lower} for the same in small
    letters, {number} for its place in the rig.

    :param encoding: jpeg, or what raw images say they are; all are blue first.
    :param frame: Frame of images and camera_info.
    :param rectification: What R of camera_info says.
    :param distortion_model: What distortion_model says; nuScenes images are straight.
    :param num_distortion: How many zeros D has.
    :param stamps: Of images and camera_info: their exposure, zero, or the time of writing.
    :param recorded: When messages were recorded: at the exposure; those of keyframes all at the
        end of their set; or one after the other as they were read from a disk.
    :param transforms: every_pose: the whole tree at each exposure; keyframes: twice a second, each
        message with this pose and the next; live: the whole tree before each image; static:
        mounts once, the vehicle's pose at each exposure; vehicle: only the latter; none.
    :param world_frame: Topmost frame.
    :param odometry_topic: Topic of the vehicle's pose as Odometry.
    :param lidar_layout: Structured type of the points of LiDAR sweeps.
    :param is_keyframes_only: Whether only keyframes (2 Hz) are written.
    :param needs_poses: Whether every image must have a pose.
    :param lead_in_ns: How long before the first exposure calibration is recorded, as it would be
        on a running vehicle.
    :param reliability: What the bag says that publishers offered; None: nothing.
    """

    name: str
    image_topic: str
    encoding: Literal['jpeg', 'bgr8', '8UC3']
    frame: str
    info_topic: str | None = None
    rectification: tuple[float, ...] = IDENTITY
    distortion_model: str = 'plumb_bob'
    num_distortion: int = 5
    stamps: Literal['exposure', 'zero', 'writing'] = 'exposure'
    recorded: Literal['exposure', 'keyframe', 'reading'] = 'exposure'
    transforms: Literal['every_pose', 'keyframes', 'live', 'static', 'vehicle', 'none'] = (
        'every_pose')
    world_frame: str = 'map'
    odometry_topic: str | None = None
    lidar_topic: str | None = None
    lidar_layout: np.dtype = XYZI
    is_keyframes_only: bool = False
    needs_poses: bool = True
    lead_in_ns: int = 0
    reliability: Literal['reliable', 'best_effort'] | None = 'reliable'
    storage: Storage = 'sqlite3'


CONVERTER_FORMATS = {each.name: each for each in (
    ConverterFormat(
        'nuscenes2bag', '/{lower}/raw', 'bgr8', '{lower}', odometry_topic='/odom',
        lidar_topic='/{lower}'),
    ConverterFormat(
        'nuscenes2bag_ros2', '/{lower}/raw', 'bgr8', '', stamps='zero', odometry_topic='/odom',
        lidar_topic='/{lower}', reliability=None),
    ConverterFormat(
        'nuscenes_to_ros2bag', '/nuscenes/{lower}/image_raw', 'bgr8', '{lower}_link',
        info_topic='/nuscenes/{lower}/camera_info', distortion_model='', num_distortion=0,
        transforms='none', odometry_topic='/nuscenes/odom', lidar_topic='/nuscenes/{lower}',
        lidar_layout=XYZIR_OF_PCL, reliability='best_effort', storage='mcap'),
    ConverterFormat(
        'mcap_style', '/{name}/image_rect_compressed', 'jpeg', '{name}',
        info_topic='/{name}/camera_info', rectification=ONES_IN_A_COLUMN, distortion_model='',
        num_distortion=0, recorded='keyframe', transforms='keyframes', odometry_topic='/odom',
        lidar_topic='/{name}', lidar_layout=XYZIR, reliability=None, storage='mcap'),
    ConverterFormat(
        'dataset_bridge', '/nuscenes/{name}/image', '8UC3', '{name}',
        info_topic='/nuscenes/{name}/camera_info', rectification=NO_ROTATION, stamps='writing',
        recorded='reading', transforms='live', world_frame='world',
        lidar_topic='/nuscenes/{name}/data', is_keyframes_only=True),
    ConverterFormat(
        'autoware', '/sensing/camera/camera{number}/image_raw/compressed', 'jpeg',
        'camera{number}/camera_optical_link',
        info_topic='/sensing/camera/camera{number}/camera_info', transforms='static'),
)}
# Formats of this package: calibration in the bag, or in a file beside it.
OWN_FORMAT = ConverterFormat(
    'nuscenes', '/camera/{name}/image/compressed', 'jpeg', '{name}',
    info_topic='/camera/{name}/camera_info', transforms='static', world_frame=ODOM_FRAME,
    needs_poses=False, lead_in_ns=500_000_000, storage='mcap')
OWN_FORMAT_WITH_FILE = replace(OWN_FORMAT, info_topic=None, transforms='vehicle')


def converter_format(name: str) -> ConverterFormat:
    """
    Find the format of a converter.

    :raises UsageError: if there is none of that name.
    """
    if name not in CONVERTER_FORMATS:
        raise UsageError(f'no flavour {name!r}; there are {list(CONVERTER_FORMATS)}')
    return CONVERTER_FORMATS[name]
