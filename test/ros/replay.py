# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Plays a bag into a node of its own and keeps what the node was given and said."""

from collections.abc import Callable
import json
from pathlib import Path
import signal
import subprocess
import sys
import time
from typing import Any

from made_scenes import BRIGHTER, DARKEST
from node_process import patience
import numpy as np
from sensor_msgs.msg import PointCloud2
import yaml

from bdc_occ_ros.ros.replay.bag_player import BagPlayer
from bdc_occ_ros.ros.replay.demo import DiagnosticsWatch
from bdc_occ_ros.ros.replay.spun_node import spun_node
from bdc_occ_ros.share import share_path

PROGRAM = Path(__file__).with_name('frame_keeping_node.py')
START_S = 60.0  # a loaded machine takes its time to start a process and to discover topics
SETTLED_S = 1.0
ATTEMPTS = 6
VOXEL_M, FAR_M = 0.4, 40.0


def play_whole(bag, dataset, folder, model, parameters, num_sets):
    """
    Play a bag until no image is lost, which happens where others use the processor as well.

    A busy machine plays it slower, unless sets are told apart by the gaps between arrivals. A
    process that stalls may close such a gap; by their stamps triggers are never mixed.

    :param num_sets: How many sets the node must form at least.
    :return: Frames that the node computed, and its diagnostics, of the last attempt.
    """
    is_windowed = groups_by_arrival(dataset)
    for _ in range(ATTEMPTS):
        rate = 1.0 if is_windowed else 1.0 / patience()
        frames, parts = play(bag, dataset, folder, model, parameters, rate)
        is_mixed = any(len(triggers_of(frame)) != 1 for frame in frames)
        assert is_windowed or not is_mixed
        told = parts['synchronizer']
        if not is_mixed and told['partial'] == '0' and int(told['complete']) >= num_sets:
            break
    return frames, parts


def groups_by_arrival(dataset):
    """Whether a profile groups images by when they arrive instead of by their stamps."""
    profile = yaml.safe_load(share_path('config', f'dataset_{dataset}.yaml').read_text())
    return profile['/**']['ros__parameters']['sync'].get('mode') == 'window'


def triggers_of(frame):
    """Return the triggers that the images of a frame are of, by their brightness."""
    return {round((value - DARKEST) / BRIGHTER) for value in frame['brightness'].values()}


def play(bag, dataset, folder, model, parameters, rate):
    """Play a bag once; return the frames that the node computed and its diagnostics."""
    arguments = ['--ros-args']
    for name in ('occ.yaml', f'dataset_{dataset}.yaml'):
        arguments += ['--params-file', str(share_path('config', name))]
    for name, value in parameters.items():
        arguments += ['-p', f'{name}:={value}']
    output, log = folder / 'frames.jsonl', folder / 'log'
    with spun_node('replay') as node, log.open('w') as written:
        player = BagPlayer(node, bag, rate=rate, has_clock=True)
        watch = DiagnosticsWatch(node)
        node.create_subscription(PointCloud2, '/occupancy', lambda _: None, 10)
        process = subprocess.Popen([sys.executable, PROGRAM, output, model, *arguments],
                                   stdout=written, stderr=subprocess.STDOUT)
        try:
            _wait_for_the_node(player, process, log)
            player.play()
            _linger_until_settled(player, lambda: (output.stat().st_size, _counts(watch.parts)))
        finally:
            process.send_signal(signal.SIGINT)
            assert process.wait(START_S) == 0, log.read_text()
        return [json.loads(line) for line in output.read_text().splitlines()], watch.parts


def _wait_for_the_node(player: BagPlayer, process: subprocess.Popen, log: Path) -> None:
    """Wait until the node has subscribed to every image, and to all else that it wants."""
    images = [topic for topic in player.num_subscribers()
              if 'cam' in topic.lower() and 'info' not in topic]
    deadline_s = time.monotonic() + START_S
    while not all(player.num_subscribers()[topic] for topic in images):
        player.linger(0.05)
        assert process.poll() is None, log.read_text()
        assert time.monotonic() < deadline_s, log.read_text()
    _linger_until_settled(player, player.num_subscribers)


def _linger_until_settled(player: BagPlayer, watched: Callable[[], Any]) -> None:
    """Let the clock run until something has not changed for a while."""
    deadline_s = time.monotonic() + START_S
    last, since_s = watched(), time.monotonic()
    while time.monotonic() < min(deadline_s, since_s + SETTLED_S):
        player.linger(0.05)
        if (now := watched()) != last:
            last, since_s = now, time.monotonic()


def _counts(parts: dict[str, dict[str, str]]) -> dict[tuple[str, str], str]:
    """Return what the node counts, without rates and times, which never settle."""
    return {(part, key): parts[part][key] for part in ('synchronizer', 'output')
            for key in parts.get(part, {}) if parts[part][key].isdigit()}


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
