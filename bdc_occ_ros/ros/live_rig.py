# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Take the calibration of a rig from camera_info and TF of a running robot, as the node does."""

import time

from rclpy.executors import SingleThreadedExecutor

from bdc_occ_ros.bags.dataset_profiles import parameter_files
from bdc_occ_ros.errors import InvalidCalibrationError
from bdc_occ_ros.geometry.camera_rig import CameraRig
from bdc_occ_ros.ros.calibration_source import CalibrationSource
from bdc_occ_ros.ros.dataset_choice import POLL_S, short_lived_node, WAIT_S
from bdc_occ_ros.ros.inputs import INPUT_QOS
from bdc_occ_ros.ros.node_config import NodeConfig
from bdc_occ_ros.ros.parameters import declare_parameters
from bdc_occ_ros.ros.transforms import TransformListener


def live_rig(dataset: str, wait_s: float = WAIT_S) -> tuple[CameraRig, NodeConfig, list[str]]:
    """
    Wait until every camera of a rig is calibrated.

    :param dataset: Name of a profile, or the path of a rig's file.
    :return: The cameras that are calibrated by the end of the wait, the node's configuration, and
        why the others are not.
    :raises InvalidCalibrationError: if none is.
    """
    file, = parameter_files(dataset)
    with short_lived_node('bdc_occ', '--ros-args', '--params-file', str(file)) as node:
        config = declare_parameters(node)
        source = CalibrationSource(node, config, TransformListener(node),
                                   INPUT_QOS[config.input_qos])
        executor = SingleThreadedExecutor(context=node.context)
        executor.add_node(node)
        deadline_s = time.monotonic() + wait_s
        while len(cameras := source.cameras()) < len(config.cameras) and (
                time.monotonic() < deadline_s):
            executor.spin_once(POLL_S)
        problems = list(source.problems().values())
        if not cameras:
            raise InvalidCalibrationError('; '.join(problems))
        key = config.key_camera if config.key_camera in cameras else next(iter(cameras))
        return CameraRig(tuple(cameras.values()), key), config, problems
