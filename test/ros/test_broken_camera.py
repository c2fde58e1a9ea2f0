# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Whatever the data of one camera raise, wherever they do, costs its own images and no more."""

from collections.abc import Callable

import pytest
import rclpy
from rclpy.executors import SingleThreadedExecutor
from simulated_rig import EXECUTORS, OFFSETS_NS, SimulatedRig
from watcher import num_in_sector, Watcher

from bdc_occ_ros.geometry import rig_geometry
from bdc_occ_ros.ros import calibration_source, pipeline
from bdc_occ_ros.ros.inputs import CameraInput
from bdc_occ_ros.ros.node import OccupancyNode

CAMERA, OTHERS = 'FRONT', ('LEFT', 'RIGHT')


@pytest.fixture(scope='module')
def watcher(rig_parameters):
    """Run the node in this process, where its parts can be broken, with a healthy rig."""
    given = rig_parameters | {'use_sim_time': 'true'}
    rclpy.init(args=['--ros-args', *(part for name, value in given.items()
                                     for part in ('-p', f'{name}:={value}'))])
    node = OccupancyNode()
    peer = rclpy.create_node('peer', use_global_arguments=False)
    executor = SingleThreadedExecutor()
    executor.add_node(node)
    executor.add_node(peer)
    EXECUTORS[peer] = executor
    rig = SimulatedRig(peer, is_simulated=True)
    watcher = Watcher(peer, rig)
    watcher.subscribe()
    for name in OFFSETS_NS:
        rig.mount(name)
    yield watcher
    executor.shutdown()
    peer.destroy_node()
    node.close()
    node.destroy_node()
    rclpy.try_shutdown()


@pytest.mark.parametrize('place, name, find_camera, is_lost', [
    (pipeline, 'decode_for_camera', lambda message, camera, *more: camera.name, True),
    (rig_geometry, 'Preprocessor', lambda camera, *more: camera.name, True),
    (calibration_source, 'camera_from_info', lambda info, name, *more: name, True),
    (CameraInput, '_count_lost', lambda source, *more: source.name, True),
    (CameraInput, 'update_subscription', lambda source, *more: source.name, False),
], ids=['decode', 'geometry', 'calibration', 'callback', 'timer'])
def test_a_camera_whose_data_raise_is_left_out_and_named(
        watcher, monkeypatch, capfd, place, name, find_camera: Callable[..., str], is_lost):
    watcher.whole_cloud(OFFSETS_NS)
    sound, error = getattr(place, name), type(f'No{name}', (Exception,), {})

    def broken(*arguments):
        if find_camera(*arguments) == CAMERA:
            raise error('broken')
        return sound(*arguments)
    monkeypatch.setattr(place, name, broken)
    watcher.rig.intrinsics[CAMERA] = tuple(  # so that its geometry is worked out anew
        1.001 * value if place in (0, 4) else value
        for place, value in enumerate(watcher.rig.intrinsics[CAMERA]))
    assert watcher.spin_until(
        lambda: watcher.says(f'camera {CAMERA}', f'{error.__name__}: broken')), watcher.told()
    for cloud in watcher.fresh_clouds(6)[2:] if is_lost else ():
        assert num_in_sector(cloud, CAMERA) == 0
        assert all(num_in_sector(cloud, other) for other in OTHERS)
    assert capfd.readouterr().err.count('Traceback') == 1
    monkeypatch.undo()
    watcher.whole_cloud(OFFSETS_NS)
