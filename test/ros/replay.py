# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plays a bag into a node of its own and keeps what the node was given and said."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
import json
from pathlib import Path
from threading import Event

from lifecycle_msgs.srv import GetState
from made_scenes import BRIGHTER, DARKEST
import numpy as np
from sensor_msgs.msg import PointCloud2
from watcher import is_settled

from bdc_occ_ros.ros.replay.bag_player import BagPlayer
from bdc_occ_ros.ros.replay.demo import DiagnosticsWatch
from bdc_occ_ros.ros.replay.node_process import NodeProcess
from bdc_occ_ros.ros.spun_node import spun_node
from bdc_occ_ros.share import share_path

PROGRAM = Path(__file__).with_name('frame_keeping_node.py')
TIMEOUT_S = 120.0
ANSWER_S = 2.0
REST_NS = 20_000_000
SIMULATED = {'use_sim_time': 'true', 'diagnostics_period_s': 0.05}
VOXEL_M, FAR_M = 0.4, 40.0


class Replay:
    """
    Plays a bag into a node, which takes each image, and deals with each set, before the next.

    Time is that of the messages, so that the node sees the same on any machine.

    :param player: The bag, with a clock.
    :param process: The node.
    """

    def __init__(self, node, player: BagPlayer, process: NodeProcess) -> None:
        self._node, self.player, self.process = node, player, process
        self.watch = DiagnosticsWatch(node)
        self.clouds: list[PointCloud2] = []
        self._state = node.create_client(GetState, '/bdc_occ/get_state')
        node.create_subscription(PointCloud2, '/occupancy', self.clouds.append, 10)
        self._images = {topic for topic in player.num_subscribers()
                        if 'cam' in topic.lower() and 'info' not in topic}

    def play(self) -> None:
        """Wait for the node's subscriptions, play, and wait until everything is dealt with."""
        self._wait_for(lambda: self._node.count_publishers('/occupancy') and all(
            self.player.num_subscribers()[topic] for topic in self._images), self.player.start_ns)
        self._wait_for_the_node()
        num_images = 0
        for message in self.player.messages():
            now_ns = message.stamp_ns
            self.player.tick(now_ns)
            if message.topic in self._images:
                self._wait_for_the_node()  # it knows poses and calibration of this image
            self.player.publish(message)
            if message.topic in self._images:
                self._wait_for_the_node()
                num_images += 1
                if num_images % len(self._images) == 0:
                    self._settle(now_ns)
        for _ in range(50):  # past every deadline
            now_ns += REST_NS
            self.player.tick(now_ns)
        self._wait_for_the_node()
        self._settle(now_ns)
        num_computed = int(self.watch.parts['output']['computed'])
        self._wait_for(lambda: len(self.clouds) == num_computed, now_ns)

    def _settle(self, now_ns: int) -> None:
        """Wait until diagnostics of from now on say that every set has been dealt with."""
        self.watch.num_messages = 0
        self._wait_for(lambda: self.watch.num_messages >= 2 and is_settled(self.watch.parts),
                       now_ns)

    def _wait_for(self, condition: Callable[[], bool], now_ns: int) -> None:
        self.process.wait_for(lambda: self.player.tick(now_ns) or condition(), 'what should',
                              TIMEOUT_S)

    def _wait_for_the_node(self) -> None:
        """Return once the node, which answers in the order of arrival, has taken everything."""
        for _ in range(round(TIMEOUT_S / ANSWER_S)):
            is_done = Event()
            future = self._state.call_async(GetState.Request())
            future.add_done_callback(lambda _, is_done=is_done: is_done.set())
            if is_done.wait(ANSWER_S):
                return
        raise AssertionError(f'the node does not answer: {self.process.log_tail()}')


@contextmanager
def replay(bag, log, parameters, files, **more) -> Iterator[Replay]:
    """Play a bag into a node of its own, which must end with 0 after the block."""
    with (spun_node('replay') as node,
          NodeProcess(log, parameters | SIMULATED, files, **more) as process):
        result = Replay(node, BagPlayer(node, bag, has_clock=True), process)
        result.play()
        yield result
        assert process.stop(timeout_s=TIMEOUT_S) == 0, process.log


def play(bag, dataset, folder, model, parameters):
    """Play a bag; return the frames that the node computed and its diagnostics."""
    output = folder / 'frames.jsonl'
    files = [share_path('config', name) for name in ('occ.yaml', f'dataset_{dataset}.yaml')]
    with replay(bag, folder / 'log', parameters, files,
                program=(PROGRAM, output, model)) as played:
        parts = played.watch.parts
    return [json.loads(line) for line in output.read_text().splitlines()], parts


def triggers_of(frame):
    """Return the triggers that the images of a frame are of, by their brightness."""
    return {round((value - DARKEST) / BRIGHTER) for value in frame['brightness'].values()}


def farthest_error_m(got, true):
    """Return how far a point 40 m ahead of a camera is misplaced by a wrong transform."""
    point = np.array([0.0, 0.0, FAR_M, 1.0])
    return float(np.linalg.norm((np.array(got) - true) @ point))


def misplaced_m(frame, rig, world_from_ego):
    """
    Return how far calibration and motion of a frame put something 40 m ahead from its place.

    :param frame: What the node was given, a line of frame_keeping_node.
    :param rig: The true calibration.
    :param world_from_ego: The true pose of the vehicle at the exposure of a camera.
    """
    errors_m = [farthest_error_m(frame['ego_from_camera'][c.name], c.ego_from_camera)
                for c in rig.cameras]
    errors_m += [FAR_M * float(np.abs(np.array(frame['intrinsics'][c.name]) / c.intrinsics[0, 0]
                                      - c.intrinsics / c.intrinsics[0, 0]).max())
                 for c in rig.cameras]
    if frame['key_ego_from_ego'] is not None:
        key_from_world = np.linalg.inv(world_from_ego(rig.key_camera))
        errors_m += [farthest_error_m(motion, key_from_world @ world_from_ego(name))
                     for name, motion in zip(frame['order'], frame['key_ego_from_ego'])]
    return max(errors_m)
