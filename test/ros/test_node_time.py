# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Simulated time: a clock that is missing, a bag that loops, and a bag that pauses."""

from camera_rig import CameraRig, OFFSETS_NS
from node_process import NodeProcess, num_in_sector, Watcher
import pytest
from rosgraph_msgs.msg import Clock

from bdc_occ_ros.ros.conversions import to_nanoseconds, to_stamp

BAG_START_NS = 1_532_402_927_000_000_000
TICK_NS = 10_000_000


class SimulatedTime:
    """A clock that moves on with every step while it runs."""

    def __init__(self, node):
        self.now_ns = BAG_START_NS
        self._publisher = node.create_publisher(Clock, '/clock', 10)

    def tick(self):
        self.now_ns += TICK_NS
        self._publisher.publish(Clock(clock=to_stamp(self.now_ns)))


@pytest.fixture(scope='module')
def process(tmp_path_factory, rig_parameters):
    process = NodeProcess(tmp_path_factory.mktemp('time') / 'log',
                          rig_parameters | {'use_sim_time': 'true'})
    yield process
    status, _ = process.end()
    assert status == 0, process.log


def test_bag_that_loops_and_pauses_under_simulated_time(process, node):
    watcher = Watcher(node)
    assert watcher.spin_until(lambda: watcher.says('lifecycle', 'nothing comes on /clock'))
    simulated = SimulatedTime(node)
    rig = CameraRig(node, now_ns=lambda: simulated.now_ns)

    def play():
        simulated.tick()
        rig.step()
    watcher.step = play
    watcher.subscribe()
    for name in OFFSETS_NS:
        rig.mount(name)
    watcher.fresh_clouds(5)
    for _ in range(3):
        end_ns = simulated.now_ns
        simulated.now_ns = BAG_START_NS
        rig.jump()
        assert watcher.spin_until(lambda end_ns=end_ns: any(
            to_nanoseconds(cloud.header.stamp) < end_ns for cloud in watcher.clouds[-1:]))
        cloud = watcher.fresh_clouds(5)[-1]
        assert to_nanoseconds(cloud.header.stamp) in rig.stamps_ns
        assert all(num_in_sector(cloud, name) for name in OFFSETS_NS)
    assert int(watcher.value('synchronizer', 'epoch')) >= 3
    watcher.step = lambda: None
    watcher.spin(1.5)
    watcher.step = play
    watcher.fresh_clouds(5)
    assert process.is_running and 'Traceback' not in process.log
