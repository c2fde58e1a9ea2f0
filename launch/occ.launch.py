# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Start the occupancy node; optionally RViz and a bag too."""

import importlib.util
import os
from pathlib import Path
import sys

from launch import LaunchContext, LaunchDescription, LaunchDescriptionEntity
from launch.actions import (
    DeclareLaunchArgument,
    ExecuteProcess,
    LogInfo,
    OpaqueFunction,
    SetEnvironmentVariable,
)
from launch_ros.actions import Node

from bdc_occ_ros.bags import CALIBRATION_FILE
from bdc_occ_ros.bags.dataset_profiles import parameter_files
from bdc_occ_ros.ros.dataset_choice import dataset_of_bag, dataset_of_graph

SHARE = Path(__file__).parents[1]
PROFILE_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE'
SWITCH = ['true', 'false']
ARGUMENTS = (
    ('dataset', 'nuscenes', 'rig: the path of your own file, or topics and names of '
     'config/dataset_<dataset>.yaml; auto takes the first that fits the bag, or what is published '
     'now', None),
    ('namespace', '', 'namespace of every topic; the root if empty', None),
    ('use_sim_time', 'false', 'take time from /clock; a bag switches it on', SWITCH),
    ('params_file', '', 'parameter file that overrides config/occ.yaml and the rig; one that '
     'lists cameras takes the place of the rig', None),
    ('model', '', 'network name or weights (.safetensors) over what the files choose', None),
    ('autostart', 'true', 'configure and activate the node at once', SWITCH),
    ('rviz', 'false', 'open RViz with config/occ.rviz', SWITCH),
    ('calibration_file', '', 'calibration of the cameras over what the files choose; a bag with '
     'calibration.yaml in its folder brings its own', None),
    ('bag', '', 'bag to play, once the node has had time to start', None),
    ('log_level', 'info', 'least severity that is logged',
     ['debug', 'info', 'warn', 'error', 'fatal']),
    ('output_frame', '', 'frame of the results over what the files choose', None),
)


def generate_launch_description() -> LaunchDescription:
    """Declare the arguments and start what they ask for."""
    declared = [DeclareLaunchArgument(name, default_value=default, description=sentence,
                                      choices=choices)
                for name, default, sentence, choices in ARGUMENTS]
    return LaunchDescription([*declared, OpaqueFunction(function=start)])


def start(context: LaunchContext) -> list[LaunchDescriptionEntity]:
    """
    Return the processes that the arguments ask for.

    :param context: Holds the value of every argument.
    """
    given = context.launch_configurations
    sim_time = {'use_sim_time': given['use_sim_time'] == 'true' or given['bag'] != ''}
    entities = []
    if PROFILE_VARIABLE not in os.environ:
        profile = str(SHARE / 'config' / 'fastdds_profile.xml')
        entities.append(SetEnvironmentVariable(PROFILE_VARIABLE, profile))
    dataset = given['dataset']
    if dataset == 'auto':
        match = dataset_of_bag(given['bag']) if given['bag'] else dataset_of_graph()
        dataset = match.name
        entities.append(LogInfo(msg=f'dataset {dataset}: {match.reason}'))
    files = [SHARE / 'config' / 'occ.yaml', *parameter_files(dataset, given['params_file'])]
    entities.append(Node(
        package='bdc_occ_ros', executable='occ_node', name='bdc_occ', output='screen',
        namespace=given['namespace'], ros_arguments=['--log-level', given['log_level']],
        parameters=[*map(str, files), sim_time | overrides(given)]))
    if given['rviz'] == 'true':
        entities.append(Node(package='rviz2', executable='rviz2', namespace=given['namespace'],
                             arguments=['-d', str(SHARE / 'config' / 'occ.rviz')],
                             parameters=[sim_time]))
    if given['bag']:
        entities.append(ExecuteProcess(cmd=player(given['bag']), output='screen'))
    return entities


def player(bag: str) -> list[str]:
    """
    Return the command that plays a bag: rosbag2's where it is installed, or ours.

    :param bag: Folder of the bag, or its file.
    """
    if importlib.util.find_spec('rosbag2_py') is not None:
        return ['ros2', 'bag', 'play', '--clock', '100', '--delay', '5', bag]
    return [sys.executable, '-m', 'bdc_occ_ros.cli', 'bag', 'play', '--clock', '--delay', '5', bag]


def overrides(given: dict[str, str]) -> dict[str, str | bool]:
    """Return the parameters that the arguments set over the files."""
    chosen: dict[str, str | bool] = {'autostart': given['autostart'] == 'true'}
    if given['model']:
        is_weights = given['model'].endswith('.safetensors')
        chosen['model.weights' if is_weights else 'model.name'] = given['model']
    beside = Path(given['bag'], CALIBRATION_FILE)
    if given['calibration_file']:
        chosen['calibration_file'] = given['calibration_file']
    elif given['bag'] and beside.is_file():
        chosen['calibration_file'] = str(beside)
    if given['output_frame']:
        chosen['output_frame'] = given['output_frame']
    return chosen
