# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A watcher of all that the occupancy node says."""

from collections.abc import Callable, Iterable
import re
import time
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from nav_msgs.msg import OccupancyGrid
import numpy as np
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from sensor_msgs.msg import PointCloud2
from simulated_rig import executor_of, SimulatedRig, YAWS_RAD
from std_srvs.srv import Trigger

from bdc_occ_ros.ros.conversions import to_nanoseconds

TIMEOUT_S = 120.0  # only a failure takes that long: what is waited for ends the wait
SECTOR_RAD = 0.6  # the cameras of the rig see 0.785 to either side, and do not overlap
LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)


class Watcher:
    """
    Subscribes to diagnostics and, if wanted, to results, and spins until something is so.

    :param node: Node that subscribes.
    :param rig: The cameras, which go on while it spins; none if None.
    """

    def __init__(self, node: Node, rig: SimulatedRig | None = None) -> None:
        self.clouds: list[PointCloud2] = []
        self.grids: list[OccupancyGrid] = []
        self.statuses: dict[str, DiagnosticStatus] = {}
        self.num_diagnostics = 0
        self.rig = rig
        self.step = rig.step if rig else lambda: None
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
            executor_of(self._node).spin_once(timeout_sec=0.005)
            if condition():
                return True
        return False

    def next_diagnostics(self) -> None:
        """Wait until the node has looked at itself anew: twice, since one may be under way."""
        seen = self.num_diagnostics
        assert self.spin_until(lambda: self.num_diagnostics >= seen + 2), self.told()

    def rest(self) -> None:
        """Stop the cameras, and wait until every set that they gave has been dealt with."""
        self.step = lambda: None
        self.next_diagnostics()
        assert self.spin_until(lambda: is_settled(
            {part: self.values(part) for part in self.statuses})), self.told()

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

    def values(self, part: str) -> dict[str, str]:
        return {pair.key: pair.value for pair in self.statuses[part].values}

    def value(self, part: str, key: str) -> str:
        return self.values(part)[key]

    def fresh_clouds(self, count: int) -> list[PointCloud2]:
        """Wait for so many clouds of triggers that are yet to come."""
        fresh = self._start_anew()
        assert self.spin_until(lambda: len(fresh()) >= count), self.told()
        return fresh()

    def whole_cloud(self, names: Iterable[str]) -> PointCloud2:
        """Wait for a cloud of a trigger to come that shows the sectors of all these cameras."""
        fresh = self._start_anew()
        assert self.spin_until(lambda: fresh() and all(
            num_in_sector(fresh()[-1], name) for name in names)), self.told()
        return fresh()[-1]

    def fresh_results(self, count: int) -> list[tuple[PointCloud2, OccupancyGrid]]:
        """Wait for so many clouds of triggers to come with the grid of the same stamp."""
        fresh = self._start_anew()

        def pairs() -> list[tuple[PointCloud2, OccupancyGrid]]:
            return [(cloud, grid) for cloud in fresh() for grid in self.grids
                    if cloud.header.stamp == grid.header.stamp]
        assert self.spin_until(lambda: len(pairs()) >= count), self.told()
        return pairs()

    def _start_anew(self) -> Callable[[], list[PointCloud2]]:
        """Forget all results; return what finds those of triggers from now on."""
        since_ns = self.rig.clock()
        self.clouds.clear()
        self.grids.clear()
        return lambda: [cloud for cloud in self.clouds
                        if since_ns < to_nanoseconds(cloud.header.stamp) <= self.rig.clock()]

    def told(self) -> str:
        """Return what the diagnostics say, for the message of a failed test."""
        return '\n'.join(f'{name}: {status.message}' for name, status in self.statuses.items())

    def _diagnosed(self, message: DiagnosticArray) -> None:
        self.num_diagnostics += 1
        self.statuses = {status.name.partition(': ')[2]: status for status in message.status}


def is_settled(parts: dict[str, dict[str, str]]) -> bool:
    """Tell whether every set that the node has formed is dealt with, by its diagnostics."""
    if not {'synchronizer', 'output'} <= parts.keys():
        return False
    formed = sum(int(parts['synchronizer'][name]) for name in ('complete', 'partial', 'held'))
    output = parts['output']
    return formed == sum(int(value) for name, value in output.items() if name in (
        'computed', 'unwanted', 'skipped_for_newer', 'stale') or name.startswith('dropped: '))


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
