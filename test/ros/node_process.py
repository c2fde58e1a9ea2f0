# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The occupancy node as a process of its own, and a watcher of all that it says."""

from collections.abc import Callable, Iterable
import os
from pathlib import Path
import re
import signal
import subprocess
import sys
import time
from typing import Any

from camera_rig import YAWS_RAD
from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from nav_msgs.msg import OccupancyGrid
import numpy as np
import rclpy
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import PointCloud2
from std_srvs.srv import Trigger

TIMEOUT_S = 60.0  # a loaded machine takes its time; what is waited for ends the wait
SECTOR_RAD = 0.6  # the cameras of the rig see 0.785 to either side, and do not overlap
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


def patience() -> float:
    """Return how much longer than alone something takes on this machine now, at least 1."""
    return max(1.0, os.getloadavg()[0] / len(os.sched_getaffinity(0)))


class NodeProcess:
    """
    Runs the node and keeps what it writes.

    :param parameters: Value by parameter name, besides those of the made-up rig.
    :param arguments: More ROS arguments.
    """

    def __init__(self, log: Path, parameters: dict[str, Any], arguments: tuple[str, ...] = (),
                 environment: dict[str, str] | None = None) -> None:
        self._log = log
        given = [part for name, value in parameters.items()
                 for part in ('-p', f'{name}:={value}')]
        with log.open('w') as output:
            self._process = subprocess.Popen(
                [sys.executable, '-m', 'bdc_occ_ros.ros.node', '--ros-args', *given, *arguments],
                stdout=output, stderr=subprocess.STDOUT, env=environment)

    @property
    def log(self) -> str:
        return self._log.read_text()

    @property
    def is_running(self) -> bool:
        return self._process.poll() is None

    def end(self, sent: signal.Signals = signal.SIGINT) -> tuple[int, float]:
        """Send a signal; return the exit status and the seconds until it came."""
        start_s = time.monotonic()
        self._process.send_signal(sent)
        return self.wait(), time.monotonic() - start_s

    def wait(self) -> int:
        """Return the exit status; a process that hangs is killed and fails the test."""
        try:
            return self._process.wait(timeout=TIMEOUT_S)
        finally:
            self._process.kill()
            self._process.wait()


class Watcher:
    """
    Subscribes to diagnostics and, if wanted, to results, and spins until something is so.

    :param node: Node that subscribes.
    :param step: Called again and again while it spins: the rig.
    """

    def __init__(self, node: Node, step: Callable[[], None] = lambda: None) -> None:
        self.clouds: list[PointCloud2] = []
        self.grids: list[OccupancyGrid] = []
        self.statuses: dict[str, DiagnosticStatus] = {}
        self.num_diagnostics = 0
        self.step = step
        self._node = node
        node.create_subscription(DiagnosticArray, '/diagnostics', self._diagnosed, 10)

    def subscribe(self, prefix: str = '') -> None:
        self._node.create_subscription(
            PointCloud2, f'{prefix}occupancy', self.clouds.append, 10)
        self._node.create_subscription(
            OccupancyGrid, f'{prefix}occupancy/grid', self.grids.append, LATCHED)

    def spin_until(self, condition: Callable[[], Any], timeout_s: float = TIMEOUT_S) -> bool:
        deadline_s = time.monotonic() + timeout_s
        while time.monotonic() < deadline_s:
            self.step()
            rclpy.spin_once(self._node, timeout_sec=0.005)
            if condition():
                return True
        return False

    def spin(self, duration_s: float) -> None:
        self.spin_until(lambda: False, duration_s)

    def call(self, service: str, kind: type = Trigger, request: Any = None) -> Any:
        """Call a service and return what it answers."""
        client = self._node.create_client(kind, service)
        assert self.spin_until(client.service_is_ready), f'{service} is not there'
        future = client.call_async(request or kind.Request())
        assert self.spin_until(future.done), f'{service} does not answer'
        self._node.destroy_client(client)
        return future.result()

    def says(self, part: str, pattern: str) -> bool:
        """Whether the newest diagnostics complain about a part in such words."""
        status = self.statuses.get(part)
        return (status is not None and status.level != DiagnosticStatus.OK
                and re.search(pattern, status.message) is not None)

    def value(self, part: str, key: str) -> str:
        return {pair.key: pair.value for pair in self.statuses[part].values}[key]

    def fresh_clouds(self, count: int, timeout_s: float = TIMEOUT_S) -> list[PointCloud2]:
        """Wait for so many clouds, not counting the first, which may be older."""
        self.clouds.clear()
        assert self.spin_until(lambda: len(self.clouds) > count, timeout_s), self.told()
        return self.clouds[1:]

    def whole_cloud(self, names: Iterable[str]) -> PointCloud2:
        """Wait for a new cloud that shows the sectors of all these cameras."""
        self.fresh_clouds(2)
        assert self.spin_until(lambda: all(
            num_in_sector(self.clouds[-1], name) for name in names)), self.told()
        return self.clouds[-1]

    def fresh_results(self, count: int) -> list[tuple[PointCloud2, OccupancyGrid]]:
        """Wait for so many clouds with the grid of the same stamp, without the first."""
        def pairs() -> list[tuple[PointCloud2, OccupancyGrid]]:
            return [(cloud, grid) for cloud in self.clouds[1:] for grid in self.grids
                    if cloud.header.stamp == grid.header.stamp]
        self.clouds.clear()
        self.grids.clear()
        assert self.spin_until(lambda: len(pairs()) >= count), self.told()
        return pairs()

    def told(self) -> str:
        """Return what the diagnostics say, for the message of a failed test."""
        return '\n'.join(f'{name}: {status.message}' for name, status in self.statuses.items())

    def _diagnosed(self, message: DiagnosticArray) -> None:
        self.num_diagnostics += 1
        self.statuses = {status.name.partition(': ')[2]: status for status in message.status}


def points_m(cloud: PointCloud2) -> np.ndarray:
    """Return the positions of a cloud, (N, 3)."""
    columns = np.frombuffer(cloud.data, np.float32).reshape(-1, cloud.point_step // 4)
    return columns[:, :3]


def num_in_sector(cloud: PointCloud2, camera: str) -> int:
    """Count the points that only this camera of the rig can see."""
    x, y, _ = points_m(cloud).T
    return int(_is_in_sector(x, y, camera).sum())


def cells_in_sector(grid: OccupancyGrid, camera: str) -> np.ndarray:
    """Return the cells that only this camera of the rig can see."""
    size_m, origin = grid.info.resolution, grid.info.origin.position
    cells = np.array(grid.data, dtype=np.int8).reshape(grid.info.height, grid.info.width)
    y, x = np.indices(cells.shape)
    return cells[_is_in_sector(origin.x + (x + 0.5) * size_m, origin.y + (y + 0.5) * size_m,
                               camera)]


def _is_in_sector(x_m: np.ndarray, y_m: np.ndarray, camera: str) -> np.ndarray:
    turned = np.angle(np.exp(1j * (np.arctan2(y_m, x_m) - YAWS_RAD[camera])))
    return (np.abs(turned) < SECTOR_RAD) & (np.hypot(x_m, y_m) > 4.0)
