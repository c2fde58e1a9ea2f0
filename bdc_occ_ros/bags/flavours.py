# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
What each public converter makes of nuScenes: topics, types, stamps, transforms, and its faults.

Known from the converters' sources. The names are those of config/dataset_<name>.yaml.
"""

from dataclasses import dataclass
from typing import Literal

from bdc_occ_ros.bags.bag_file import Storage
from bdc_occ_ros.bags.messages import IDENTITY
from bdc_occ_ros.bags.recorded_scan import CloudLayout, XYZI, XYZIR, XYZIR_OF_PCL
from bdc_occ_ros.errors import UsageError

NO_ROTATION = (0.0,) * 9
ONES_IN_A_COLUMN = (1.0, 0.0, 0.0) * 3


@dataclass(frozen=True)
class Flavour:
    """
    How a converter writes.

    In topics and frames {name} stands for the camera's name, {lower} for the same in small
    letters, {number} for its place in the rig.

    :param name: Name of the flavour.
    :param image_topic: Topic of a camera's images.
    :param encoding: jpeg, or what raw images say they are; all are blue first.
    :param frame: Frame of images and camera_info.
    :param info_topic: Topic of camera_info, or None.
    :param distortion_model: What distortion_model says; nuScenes images are straight.
    :param num_distortion: How many zeros D has.
    :param stamps: Of images and camera_info: their exposure, zero, or the time of writing.
    :param recorded: When messages were recorded: at the exposure; those of keyframes all at the
        end of their set; or one after the other as they were read from a disk.
    :param transforms: every_pose: the whole tree at each exposure; keyframes: twice a second, each
        message with this pose and the next; live: the whole tree before each image; static:
        mounts once, the vehicle's pose at each exposure; none.
    :param world_frame: Topmost frame.
    :param odometry_topic: Topic of the vehicle's pose as Odometry, or None.
    :param lidar_topic: Topic of LiDAR sweeps, or None.
    :param lidar_layout: What their points consist of.
    :param is_keyframes_only: Whether only keyframes (2 Hz) are written.
    :param reliability: What the bag says that publishers offered; None: nothing.
    :param storage: Format of the file.
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
    transforms: Literal['every_pose', 'keyframes', 'live', 'static', 'none'] = 'every_pose'
    world_frame: str = 'map'
    odometry_topic: str | None = None
    lidar_topic: str | None = None
    lidar_layout: CloudLayout = XYZI
    is_keyframes_only: bool = False
    reliability: Literal['reliable', 'best_effort'] | None = 'reliable'
    storage: Storage = 'sqlite3'


FLAVOURS = (
    Flavour('nuscenes2bag', '/{lower}/raw', 'bgr8', '{lower}', odometry_topic='/odom',
            lidar_topic='/{lower}'),
    Flavour('nuscenes2bag_ros2', '/{lower}/raw', 'bgr8', '', stamps='zero',
            odometry_topic='/odom', lidar_topic='/{lower}', reliability=None),
    Flavour('nuscenes_to_ros2bag', '/nuscenes/{lower}/image_raw', 'bgr8', '{lower}_link',
            info_topic='/nuscenes/{lower}/camera_info', distortion_model='', num_distortion=0,
            transforms='none', odometry_topic='/nuscenes/odom', lidar_topic='/nuscenes/{lower}',
            lidar_layout=XYZIR_OF_PCL, reliability='best_effort', storage='mcap'),
    Flavour('mcap_style', '/{name}/image_rect_compressed', 'jpeg', '{name}',
            info_topic='/{name}/camera_info', rectification=ONES_IN_A_COLUMN,
            distortion_model='', num_distortion=0, recorded='keyframe', transforms='keyframes',
            odometry_topic='/odom', lidar_topic='/{name}', lidar_layout=XYZIR, reliability=None,
            storage='mcap'),
    Flavour('dataset_bridge', '/nuscenes/{name}/image', '8UC3', '{name}',
            info_topic='/nuscenes/{name}/camera_info', rectification=NO_ROTATION,
            stamps='writing', recorded='reading', transforms='live', world_frame='world',
            lidar_topic='/nuscenes/{name}/data', is_keyframes_only=True),
    Flavour('autoware', '/sensing/camera/camera{number}/image_raw/compressed', 'jpeg',
            'camera{number}/camera_optical_link',
            info_topic='/sensing/camera/camera{number}/camera_info', transforms='static'),
)
READING_ORDER = ('CAM_BACK', 'CAM_FRONT', 'CAM_FRONT_LEFT', 'CAM_FRONT_RIGHT', 'CAM_BACK_RIGHT',
                 'CAM_BACK_LEFT')
READING_NS = 25_000_000


def flavour_of(name: str) -> Flavour:
    """
    Find a flavour.

    :raises UsageError: if there is none of that name.
    """
    for flavour in FLAVOURS:
        if flavour.name == name:
            return flavour
    raise UsageError(f'no flavour {name!r}; there are {[f.name for f in FLAVOURS]}')
