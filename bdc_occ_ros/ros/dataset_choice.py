# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Look once at a bag or a running robot: which dataset profile fits, and how is it calibrated."""

from pathlib import Path
import time

from bdc_occ_ros.bags.dataset_profiles import DatasetMatch, match_dataset, parameter_files
from bdc_occ_ros.errors import InvalidCalibrationError, NoDatasetError
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.ros.calibration_source import CalibrationSource
from bdc_occ_ros.ros.inputs import INPUT_QOS
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.parameters import declare_parameters
from bdc_occ_ros.ros.spun_node import spun_node
from bdc_occ_ros.ros.transforms import TransformListener

WAIT_S = 20.0
POLL_S = 0.25
IMAGE_TYPES = {'sensor_msgs/msg/Image', 'sensor_msgs/msg/CompressedImage'}


def dataset_of_bag(path: str | Path) -> DatasetMatch:
    """
    Choose by the topics of a bag, and by whether its images have stamps.

    :raises NoDatasetError: if no profile fits.
    :raises InvalidBagError: if the bag cannot be read.
    """
    from bdc_occ_ros.bags.bag_reader import BagReader
    with BagReader(path) as bag:
        return match_dataset(bag.topics, bag.has_image_stamps)


def dataset_of_graph(wait_s: float = WAIT_S) -> DatasetMatch:
    """
    Choose by the image topics that are published now, waiting until a profile fits.

    :raises NoDatasetError: if none fits by then.
    """
    with spun_node('dataset_choice') as node:
        deadline_s = time.monotonic() + wait_s
        while True:
            topics = [name for name, kinds in node.get_topic_names_and_types()
                      if IMAGE_TYPES & set(kinds) and node.count_publishers(name)]
            try:
                return match_dataset(topics)
            except NoDatasetError:
                if time.monotonic() > deadline_s:
                    raise
            time.sleep(POLL_S)


def live_rig(dataset: str, wait_s: float = WAIT_S) -> tuple[CameraRig, NodeConfig, list[str]]:
    """
    Wait until every camera of a rig is calibrated.

    :param dataset: Name of a profile, or the path of a rig's file.
    :return: The cameras that are calibrated by the end of the wait, the node's configuration, and
        why the others are not.
    :raises InvalidCalibrationError: if none is.
    """
    file, = parameter_files(dataset)
    with spun_node('bdc_occ', '--ros-args', '--params-file', str(file)) as node:
        config = declare_parameters(node)
        source = CalibrationSource(node, config, TransformListener(node),
                                   INPUT_QOS[config.input_qos])
        node.create_timer(POLL_S, source.follow_publishers)
        deadline_s = time.monotonic() + wait_s
        while len(cameras := source.cameras()) < len(config.cameras) and (
                time.monotonic() < deadline_s):
            time.sleep(POLL_S)
        problems = list(source.problems().values())
        if not cameras:
            raise InvalidCalibrationError('; '.join(problems))
        key = config.key_camera if config.key_camera in cameras else next(iter(cameras))
        return CameraRig(tuple(cameras.values()), key), config, problems
