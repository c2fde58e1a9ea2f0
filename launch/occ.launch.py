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
    EmitEvent,
    ExecuteProcess,
    LogInfo,
    OpaqueFunction,
    RegisterEventHandler,
    SetEnvironmentVariable,
)
from launch.event_handlers import OnProcessExit, OnProcessStart
from launch.events import matches_action
from launch_ros.actions import LifecycleNode, Node
from launch_ros.event_handlers import OnStateTransition
from launch_ros.events.lifecycle import ChangeState, StateTransition
from lifecycle_msgs.msg import Transition

from bdc_occ_ros.bags import CALIBRATION_FILE
from bdc_occ_ros.bags.dataset_profiles import parameter_files
from bdc_occ_ros.ros.dataset_choice import dataset_of_bag, dataset_of_graph

SHARE = Path(__file__).parents[1]
PROFILE_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE'
SWITCH = ['true', 'false']
FAILURES = (('configuring', 'unconfigured'), ('activating', 'inactive'),
            ('errorprocessing', 'unconfigured'))
ARGUMENTS = (
    ('dataset', 'nuscenes', 'rig: the path of your own file, or topics and names of '
     'config/dataset_<dataset>.yaml; auto takes the first that fits the bag, or what is published '
     'now', None),
    ('namespace', '', 'namespace of every topic; the root if empty', None),
    ('use_sim_time', 'false', 'take time from /clock; a bag switches it on', SWITCH),
    ('params_file', '', 'parameter file that overrides config/occ.yaml and the rig; one that '
     'lists cameras takes the place of the rig', None),
    ('model', '', 'network name or weights (.safetensors) over what the files choose', None),
    ('autostart', 'true', 'configure and activate the node; where that fails the launch ends',
     SWITCH),
    ('rviz', 'false', 'open RViz with config/occ.rviz', SWITCH),
    ('calibration_file', '', 'calibration of the cameras over what the files choose; a bag with '
     'calibration.yaml in its folder brings its own', None),
    ('bag', '', 'bag to play, from when the node is active', None),
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
    node = LifecycleNode(
        package='bdc_occ_ros', executable='occ_node', name='bdc_occ', output='screen',
        namespace=given['namespace'], ros_arguments=['--log-level', given['log_level']],
        parameters=[*map(str, files), sim_time | overrides(given)])
    if given['autostart'] == 'true':
        entities += autostart(node)
    if given['bag']:
        entities.append(RegisterEventHandler(OnStateTransition(
            target_lifecycle_node=node, goal_state='active', handle_once=True,
            entities=[ExecuteProcess(cmd=player(given['bag']), output='screen')])))
    entities.append(node)
    if given['rviz'] == 'true':
        entities.append(Node(package='rviz2', executable='rviz2', namespace=given['namespace'],
                             arguments=['-d', str(SHARE / 'config' / 'occ.rviz')],
                             parameters=[sim_time]))
    return entities


def autostart(node: LifecycleNode) -> list[LaunchDescriptionEntity]:
    """Configure the node once it runs, then activate it; end the launch where it fails."""
    def ask_for(transition: int) -> EmitEvent:
        return EmitEvent(event=ChangeState(lifecycle_node_matcher=matches_action(node),
                                           transition_id=transition))

    def has_failed(event: StateTransition) -> bool:
        return isinstance(event, StateTransition) and event.action is node and (
            event.start_state, event.goal_state) in FAILURES

    def end(context: LaunchContext) -> None:
        if not context.is_shutdown:
            raise RuntimeError('the node is not active and never will be; its reason stands above')

    give_up, configure, activate = OpaqueFunction(function=end), *map(ask_for, (
        Transition.TRANSITION_CONFIGURE, Transition.TRANSITION_ACTIVATE))
    return [RegisterEventHandler(handler) for handler in (
        OnProcessStart(target_action=node, on_start=[configure]),
        OnStateTransition(target_lifecycle_node=node, start_state='configuring',
                          goal_state='inactive', handle_once=True, entities=[activate]),
        OnStateTransition(matcher=has_failed, entities=[give_up]),
        OnProcessExit(target_action=node, on_exit=[give_up]))]


def player(bag: str) -> list[str]:
    """
    Return the command that plays a bag: rosbag2's where it is installed, or ours.

    :param bag: Folder of the bag, or its file.
    """
    if importlib.util.find_spec('rosbag2_py') is not None:
        return ['ros2', 'bag', 'play', '--clock', '100', '--delay', '1', bag]
    return [sys.executable, '-m', 'bdc_occ_ros.cli', 'bag', 'play', '--clock', '--delay', '1', bag]


def overrides(given: dict[str, str]) -> dict[str, str | bool]:
    """Return the parameters that the arguments set over the files."""
    chosen: dict[str, str | bool] = {'autostart': False}  # the launch file does that
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
