# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Play a rendered drive into the node, a process of its own, and record what it publishes.

The node gets the bag's messages over real DDS with the bag's timing, under simulated time; what
it publishes is recorded into a second bag with the bag's time as stamps, so that a latency is the
recorded stamp less the stamp in the message's header.
"""

from collections.abc import Mapping
from contextlib import ExitStack
import os
from pathlib import Path
import time
from typing import Any, NamedTuple

from diagnostic_msgs.msg import DiagnosticArray
from rclpy.node import Node
from std_msgs.msg import Float64
from tqdm import tqdm

from bdc_occ_ros.bags.run_report import not_computed
from bdc_occ_ros.errors import NodeFailedError
from bdc_occ_ros.ros.compat import DISCOVERY_ON_THIS_MACHINE
from bdc_occ_ros.ros.diagnostics import Level
from bdc_occ_ros.ros.outputs import DEBUG_TOPICS, OUTPUTS
from bdc_occ_ros.ros.replay.bag_player import BagPlayer, Playback
from bdc_occ_ros.ros.replay.bag_recorder import recording
from bdc_occ_ros.ros.replay.node_process import NodeProcess
from bdc_occ_ros.ros.spun_node import spun_node
from bdc_occ_ros.share import share_path

FIRST_DOMAIN, NUM_DOMAINS = 61, 40
START_TIMEOUT_S = 120.0
POLL_S = 0.1
SETTLE_S = 0.5
LINGER_S = 20.0
PROFILE_VARIABLE = 'FASTRTPS_DEFAULT_PROFILES_FILE'
RESULT_TOPIC = '/occupancy'
NODE_NAME = 'bdc_occ'
KEY_IMAGES = '/camera/CAM_FRONT_LEFT/image/compressed'
UNRECORDED = ('markers',)


class Run(NamedTuple):
    """
    Report what happened while the bag was played.

    :param playback: How the bag was played.
    :param diagnostics: Newest values of every part of the node, by part; 'level' and 'message' are
        its state.
    :param exit_status: With what the node ended when it was interrupted.
    """

    playback: Playback
    diagnostics: dict[str, dict[str, str]]
    exit_status: int


class DiagnosticsWatch:
    """Keep the newest diagnostics of the node."""

    def __init__(self, node: Node) -> None:
        self.parts: dict[str, dict[str, str]] = {}
        self.num_messages = 0
        self._subscription = node.create_subscription(
            DiagnosticArray, '/diagnostics', self._take, 10)

    @property
    def failure(self) -> str:
        """Return why the node could not configure or activate; empty if it could."""
        lifecycle = self.parts.get('lifecycle', {})
        is_waiting = 'use_sim_time' in lifecycle.get('message', '')
        failed = lifecycle.get('level') == 'ERROR' and not is_waiting
        return lifecycle['message'] if failed else ''

    def _take(self, message: DiagnosticArray) -> None:
        self.num_messages += 1
        for status in message.status:
            values = {item.key: item.value for item in status.values}
            self.parts[status.name.partition(': ')[2]] = values | {
                'level': Level(status.level[0]).name, 'message': status.message}


def stay_on_this_machine() -> None:
    """Limit discovery to this machine and a domain of its own; variables that are set stay."""
    os.environ.setdefault('ROS_DOMAIN_ID', str(FIRST_DOMAIN + os.getpid() % NUM_DOMAINS))
    for name, value in DISCOVERY_ON_THIS_MACHINE.items():
        os.environ.setdefault(name, value)
    os.environ.setdefault(PROFILE_VARIABLE, str(share_path('config', 'fastdds_profile.xml')))


def play_to_node(drive: Path, recorded: Path, log: Path, *, model: str, show_progress: bool
                 ) -> Run:
    """
    Start the node, play a bag to it, record its results, and stop it.

    :param drive: Bag with the images of the nuScenes rig.
    :param recorded: New bag for its results.
    :param log: File for what the node prints.
    :param model: Network name or weights file; empty for the default.
    :param show_progress: Whether to draw a progress bar on standard error.
    :raises NodeFailedError: if the node ends early, does not become active or gives no result.
    """
    parameters: dict[str, Any] = {'use_sim_time': 'true'}
    if model:
        is_weights = model.endswith('.safetensors')
        parameters['model.weights' if is_weights else 'model.name'] = model
    files = [share_path('config', name) for name in ('occ.yaml', 'dataset_nuscenes.yaml')]
    with ExitStack() as stack:
        node = stack.enter_context(spun_node('demo'))
        player = BagPlayer(node, drive, has_clock=True)
        watch = DiagnosticsWatch(node)
        topics = {f'/{output.topic}': output.kind for output in OUTPUTS
                  if output.switch not in UNRECORDED}
        topics |= {f'/{NODE_NAME}/debug/{topic}': Float64 for topic in DEBUG_TOPICS}
        counts = stack.enter_context(recording(node, recorded, topics, player.now_ns))
        process = stack.enter_context(NodeProcess(log, parameters, files))

        def is_ready() -> bool:
            player.linger(POLL_S)  # a node under simulated time needs /clock from the start
            if watch.failure:
                raise NodeFailedError(f'the node did not start: {watch.failure}')
            return (all(player.num_subscribers().values())
                    and node.count_publishers(RESULT_TOPIC) > 0)

        process.wait_for(is_ready, 'the subscriptions of an active node', START_TIMEOUT_S)
        player.linger(SETTLE_S)
        with tqdm(desc='playing', total=sum(player.counts.values()), unit='message',
                  disable=not show_progress) as bar:
            playback = player.play(on_published=lambda stamp_ns: bar.update())
        _wait_for_the_rest(process, player, counts, watch)
        return Run(playback, watch.parts, process.stop())


def _wait_for_the_rest(process: NodeProcess, player: BagPlayer, counts: Mapping[str, int],
                       watch: DiagnosticsWatch) -> None:
    """Keep the time running until every set is accounted for, or too long has passed."""
    deadline_s = time.monotonic() + LINGER_S
    while time.monotonic() < deadline_s:
        process.check()
        player.linger(POLL_S)
        num_known = counts[RESULT_TOPIC] + sum(not_computed(watch.parts).values())
        if num_known >= player.counts[KEY_IMAGES]:
            break
    if not counts[RESULT_TOPIC]:
        raise NodeFailedError(f'the node gave no result; it says: {process.log_tail()}')
