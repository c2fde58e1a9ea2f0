# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
The node as a process of its own, sent hostile messages and bytes over DDS.

After them it must publish what all cameras see, hold little memory, and end when it is told.
"""

from contextlib import suppress
from itertools import count
import os
from pathlib import Path
import re

from damage import damaged
from fuzz_messages import hostile_round, PARAMETERS, Rig
from fuzzing import FindingError, Target
import rclpy
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.serialization import serialize_message
from ros.conftest import reserve_domain
from simulated_rig import OFFSETS_NS, SimulatedRig
from watcher import Watcher

from bdc_occ_ros.errors import NodeFailedError
from bdc_occ_ros.ros.replay.node_process import NodeProcess

RCLError = rclpy_implementation.RCLError
LIFE = {'autostart': 'true', 'diagnostics_period_s': 0.2}
MAX_RESIDENT_KB = 3 * 2 ** 20
STOP_S = 30.0
STEPS = 5  # of the rig after every hostile round, so that sound messages come between
NAMES = count()


def prepare(folder):
    """Start ROS in a domain of its own."""
    os.environ.update(ROS_DOMAIN_ID=str(reserve_domain()), ROS_LOG_DIR=str(folder),
                      ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST')
    rclpy.init()


def attempt(rng, prepared, folder):
    """Start the node, send, and see whether it still works; its log is in what is found."""
    rig_node, watcher_node = (rclpy.create_node(f'{name}_{next(NAMES)}')
                              for name in ('rig', 'watcher'))
    process = NodeProcess(folder / 'log', PARAMETERS | LIFE)
    try:
        rig = SimulatedRig(rig_node, is_simulated=True)
        watcher = Watcher(watcher_node, rig)

        def step():
            process.check()
            rig.step()
        watcher.step = step
        watcher.subscribe()
        see_all(rig, watcher)
        bombard(rng, rig_node, rig, watcher)
        see_all(rig, watcher)
        status = Path(f'/proc/{process._process.pid}/status').read_text()
        resident_kb = int(re.search(r'VmHWM:\s+(\d+)', status)[1])
        if resident_kb > MAX_RESIDENT_KB:
            raise FindingError(f'memory of the node\n{resident_kb} kB')
        if process.stop(timeout_s=STOP_S) != 0:
            raise FindingError(f'the node does not end with 0\n{process.log}')
    except (NodeFailedError, AssertionError) as error:
        raised = re.findall(r'^(\w+(?:Error|Exception)\b.*)', process.log, re.MULTILINE)
        raise FindingError(f'{type(error).__name__}: {raised[-1] if raised else str(error)[:100]}'
                           f'\n{error}\n{process.log}') from error
    finally:
        process.stop()
        rig_node.destroy_node()
        watcher_node.destroy_node()


def see_all(rig, watcher):
    """Wait until all cameras contribute."""
    for name in OFFSETS_NS:
        rig.mount(name)
    watcher.whole_cloud(OFFSETS_NS)


def bombard(rng, node, rig, watcher):
    """Publish hostile messages and bytes that are none, with sound ones between."""
    publishers = {publisher.topic_name: publisher for publisher in node.publishers}
    made = Rig()
    for _ in range(rng.choice((5, 20))):
        made.now_ns = rig.simulated_ns
        for topic, message in hostile_round(rng, made):
            if topic in publishers:
                if rng.random() < 0.9:
                    publishers[topic].publish(message)
                    continue
                data = serialize_message(message)  # its first four bytes name the encoding
                with suppress(RCLError):  # more bytes than the type can have do not leave here
                    publishers[topic].publish(data[:4] + damaged(rng, data[4:]))
        rig.simulated_ns = made.now_ns
        for _ in range(STEPS):
            watcher.step()


TARGET = Target(prepare, attempt, cases=1, max_cpu_s=120.0, max_wall_s=600.0)
