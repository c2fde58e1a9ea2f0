# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What every ROS test needs: a domain of its own, this machine only, one rclpy."""

from collections.abc import Callable
from contextlib import contextmanager
import fcntl
import importlib.util
import os
from pathlib import Path
import tempfile
import time

import pytest

FOLDER = Path(__file__).parent
HAS_ROS = importlib.util.find_spec('rclpy') is not None


def reserve_domain():
    """Return a domain that no other test process holds; this one holds it until it ends."""
    for domain in range(1, 102):  # Linux has ports for 0 to 101
        reservation = os.open(
            Path(tempfile.gettempdir(), f'bdc_occ_ros_domain_{domain}'), os.O_CREAT | os.O_RDWR)
        try:
            fcntl.flock(reservation, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(reservation)
        else:
            return domain
    raise RuntimeError('all ROS domains are taken; end other test runs')


os.environ.update(
    ROS_DOMAIN_ID=str(reserve_domain()),
    ROS_AUTOMATIC_DISCOVERY_RANGE='LOCALHOST',
    ROS_LOG_DIR=str(Path(tempfile.gettempdir(), 'bdc_occ_ros_log')))


def pytest_collection_modifyitems(items):
    """Mark everything in this folder, so that -m 'not ros' leaves it out; skip it without ROS."""
    for item in items:
        if item.path.is_relative_to(FOLDER):
            item.add_marker('ros')
            if not HAS_ROS:
                item.add_marker(pytest.mark.skip(reason='rclpy is not installed'))


@pytest.fixture(scope='module')
def ros():
    """Initialize rclpy's default context for one test file."""
    import rclpy
    rclpy.init()
    yield rclpy
    rclpy.try_shutdown()


@pytest.fixture
def node(ros):
    """Yield a node for the test's own publishers and subscriptions."""
    node = ros.create_node('test')
    yield node
    node.destroy_node()


@pytest.fixture
def spin_until(ros, node) -> Callable[..., bool]:
    """Return a function that spins the node until a condition holds or time is up."""
    def spin(condition: Callable[[], bool], timeout_s: float = 60.0) -> bool:
        deadline_s = time.monotonic() + timeout_s
        while not condition() and time.monotonic() < deadline_s:
            ros.spin_once(node, timeout_sec=0.05)
        return bool(condition())
    return spin


@pytest.fixture(scope='session')
def start_node():
    """Return what runs the node while a block lasts, after which it must end with 0."""
    from bdc_occ_ros.ros.replay.node_process import NodeProcess

    @contextmanager
    def start(log_file: Path, parameters: dict, **more):
        with NodeProcess(log_file, parameters, **more) as process:
            yield process
            assert process.stop(timeout_s=60.0) == 0, process.log
    return start


@pytest.fixture(scope='session')
def rig_parameters(tiny_model) -> dict:
    """Return what the node needs for the made-up rig and a small network."""
    from simulated_rig import MS, OFFSETS_NS
    offsets = {f'camera.{name}.offset_ms': ns / MS for name, ns in OFFSETS_NS.items()}
    return {'cameras': f'[{", ".join(OFFSETS_NS)}]', 'key_camera': 'LEFT',
            'model.name': tiny_model, 'model.threads': 1, 'sync.offsets': 'profile',
            'sync.tolerance_ms': 4.0, 'sync.window_ms': 30.0, 'sync.deadline_ms': 40.0,
            'diagnostics_period_s': 0.2, **offsets}
