# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Simulated time: a clock that is missing, a bag that loops, and a bag that pauses."""

from builtin_interfaces.msg import Time
from rosgraph_msgs.msg import Clock
from simulated_rig import BAG_START_NS, MS, OFFSETS_NS, SimulatedRig
from watcher import Watcher

from bdc_occ_ros.ros.conversions import to_nanoseconds

BAG_NS = 2000 * MS


def test_bag_that_loops_and_pauses_under_simulated_time(start_node, rig_parameters, node,
                                                        tmp_path):
    with start_node(tmp_path / 'log', rig_parameters | {'use_sim_time': 'true'}) as process:
        watcher = Watcher(node)
        assert watcher.spin_until(lambda: watcher.says('lifecycle', 'nothing comes on /clock'))
        rig = SimulatedRig(node, is_simulated=True)
        watcher = Watcher(node, rig)
        watcher.subscribe()
        for name in OFFSETS_NS:
            rig.mount(name)
        watcher.fresh_clouds(5)

        def play_to_the_end():
            if rig.simulated_ns < BAG_START_NS + BAG_NS:
                rig.step()
        watcher.step = lambda: rig.clock_publisher.publish(Clock(clock=Time(sec=-1)))
        assert watcher.spin_until(lambda: 'a negative time is refused' in process.log)
        watcher.step = play_to_the_end
        for _ in range(3):
            assert watcher.spin_until(lambda: rig.simulated_ns >= BAG_START_NS + BAG_NS)
            rig.simulated_ns = BAG_START_NS
            rig.jump()
            cloud = watcher.whole_cloud(OFFSETS_NS)
            assert to_nanoseconds(cloud.header.stamp) in rig.stamps_ns
        assert watcher.spin_until(lambda: int(watcher.value('synchronizer', 'epoch')) >= 3)
        watcher.step = lambda: None
        assert watcher.spin_until(lambda: watcher.says('camera FRONT', 'silent'))
        watcher.step = rig.step
        watcher.fresh_clouds(5)
        assert process.is_running and 'Traceback' not in process.log
