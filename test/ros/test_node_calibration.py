# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Where the running node takes calibration, ego motion and the output frame from."""

from contextlib import ExitStack

from nav_msgs.msg import Odometry
import numpy as np
import pytest
from rclpy.qos import DurabilityPolicy, LivelinessPolicy, QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo
from simulated_rig import (
    HEIGHT_PX,
    IDENTITY,
    INTRINSICS,
    mount_quaternion,
    OFFSETS_NS,
    SimulatedRig,
    WIDTH_PX,
    YAWS_RAD,
)
from std_msgs.msg import Empty
from tf2_msgs.msg import TFMessage
from watcher import num_in_sector, points_m, Watcher

from bdc_occ_ros.geometry import camera_rig
from bdc_occ_ros.geometry.calibration_file import save_calibration
from bdc_occ_ros.geometry.camera_rig import Camera
from bdc_occ_ros.geometry.rotations import matrix_from_quaternion
from bdc_occ_ros.ros.conversions import make_header, to_nanoseconds

SPEED_MPS = 20.0


@pytest.fixture
def start(tmp_path, node, start_node, rig_parameters):
    """Start the node and a rig that it does not know yet."""
    with ExitStack() as stack:
        def start(has_info_publishers=True, **parameters):
            dotted = {name.replace('__', '.'): value for name, value in parameters.items()}
            stack.enter_context(start_node(
                tmp_path / 'log', rig_parameters | {'use_sim_time': 'true'} | dotted))
            rig = SimulatedRig(node, is_simulated=True, has_info_publishers=has_info_publishers)
            watcher = Watcher(node, rig)
            watcher.subscribe()
            return rig, watcher
        yield start


def mount_all(rig):
    for name in OFFSETS_NS:
        rig.mount(name)


def write_calibration(path):
    cameras = []
    for name, yaw_rad in YAWS_RAD.items():
        mount = np.eye(4)
        mount[:3, :3] = matrix_from_quaternion(mount_quaternion(yaw_rad))
        mount[:3, 3] = np.cos(yaw_rad), np.sin(yaw_rad), 1.5
        cameras.append(Camera(name, WIDTH_PX, HEIGHT_PX, np.reshape(INTRINSICS, (3, 3)), mount))
    save_calibration(camera_rig.CameraRig(tuple(cameras), 'LEFT'), path)


def test_calibration_file_replaces_camera_info_and_tf(start, tmp_path):
    write_calibration(tmp_path / 'rig.yaml')
    rig, watcher = start(calibration_file=tmp_path / 'rig.yaml')
    rig.has_infos = rig.has_ego_motion = False
    watcher.whole_cloud(OFFSETS_NS)
    assert watcher.spin_until(lambda: watcher.says('ego motion', 'motion .* is ignored'))
    (tmp_path / 'rig.yaml').write_text('key_camera: [')
    answer = watcher.call('bdc_occ/reload_calibration')
    assert not answer.success and 'rig.yaml' in answer.message
    watcher.fresh_clouds(3)
    write_calibration(tmp_path / 'rig.yaml')
    assert watcher.call('bdc_occ/reload_calibration').success


def test_change_of_calibration_moves_what_is_seen(start):
    rig, watcher = start()
    mount_all(rig)
    watcher.whole_cloud(OFFSETS_NS)
    rig.mount('FRONT', mount_quaternion(YAWS_RAD['LEFT']))
    assert watcher.spin_until(lambda: watcher.says('calibration', 'changed 1 times'))
    assert num_in_sector(watcher.fresh_clouds(3)[-1], 'FRONT') == 0
    rig.mount('FRONT')
    assert watcher.spin_until(lambda: num_in_sector(watcher.clouds[-1], 'FRONT') > 0)
    rig.intrinsics['LEFT'] = (128.0, 0.0, 64.0, 0.0, 128.0, 32.0, 0.0, 0.0, 1.0)
    assert watcher.spin_until(lambda: watcher.value('calibration', 'changes') == '3')
    cloud = watcher.whole_cloud(OFFSETS_NS)
    assert num_in_sector(cloud, 'LEFT') < num_in_sector(cloud, 'RIGHT')


def test_missing_camera_info_is_named(start):
    rig, watcher = start()
    rig.has_infos = False
    mount_all(rig)
    assert watcher.spin_until(
        lambda: watcher.says('camera LEFT', 'no camera_info on camera/LEFT/camera_info'))
    assert not watcher.clouds


def test_demanded_ego_motion_that_is_missing_stops_the_results(start):
    rig, watcher = start(ego_motion='tf', ego_motion_wait_ms=20.0)
    rig.has_ego_motion = False
    mount_all(rig)
    assert watcher.spin_until(lambda: watcher.says('output', 'sets dropped.*odom'))
    assert watcher.says('ego motion', 'tf: .*odom') and not watcher.clouds
    rig.has_ego_motion = True
    watcher.fresh_clouds(3)


def test_output_frame_follows_the_pose_at_the_stamp(start):
    rig, watcher = start(output_frame='odom')
    rig.speed_mps = SPEED_MPS
    mount_all(rig)
    cloud = watcher.fresh_clouds(3)[-1]
    stamp_ns = to_nanoseconds(cloud.header.stamp)
    assert cloud.header.frame_id == 'odom'
    assert watcher.spin_until(lambda: 'ego motion' in watcher.statuses
                              and watcher.value('ego motion', 'source') == 'tf')
    middle_m = points_m(cloud)[:, 0].mean()
    assert abs(middle_m - rig.position_m(stamp_ns)) < 8.0
    assert watcher.grids[-1].info.origin.position.x == pytest.approx(
        rig.position_m(to_nanoseconds(watcher.grids[-1].header.stamp)) - 16.0, abs=0.01)


def test_odometry_serves_where_tf_is_silent(start, node):
    rig, watcher = start()
    rig.has_ego_motion = False
    publisher = node.create_publisher(Odometry, 'odom', 10)
    mount_all(rig)

    def drive():
        rig.step()
        odometry = Odometry(header=make_header(rig.clock(), 'odom'), child_frame_id='base_link')
        odometry.pose.pose.orientation.w = 1.0
        publisher.publish(odometry)
    watcher.step = drive
    assert watcher.spin_until(lambda: 'ego motion' in watcher.statuses
                              and watcher.value('ego motion', 'source') == 'odom')
    assert watcher.spin_until(lambda: int(watcher.value('ego motion', 'compensated')) > 3)


def test_reliable_input_names_a_best_effort_publisher(start):
    rig, watcher = start(input_qos='reliable')
    mount_all(rig)
    assert watcher.spin_until(lambda: watcher.says(
        'camera FRONT', 'QoS incompatible: /camera/FRONT/image/compressed, published by test: '
        'best effort publisher and reliable subscription'))
    assert not watcher.clouds


@pytest.mark.parametrize('kind, topic, offered, words', [
    (TFMessage, '/tf', {'reliability': ReliabilityPolicy.BEST_EFFORT}, 'best effort publisher'),
    (Empty, 'reset', {'reliability': ReliabilityPolicy.BEST_EFFORT}, 'best effort publisher'),
    (TFMessage, '/tf_static', {}, 'volatile publisher and transient local subscription'),
    (CameraInfo, 'camera/LEFT/camera_info', {}, 'best effort publisher and reliable'),
    (Odometry, 'odom', {'liveliness': LivelinessPolicy.AUTOMATIC}, ''),
], ids=['tf', 'reset', 'tf_static', 'camera_info', 'odom'])
def test_every_publisher_that_cannot_be_heard_is_named(start, node, kind, topic, offered, words):
    rig, watcher = start(input_qos='reliable' if kind is CameraInfo else 'sensor_data')
    publisher = node.create_publisher(kind, topic, QoSProfile(depth=1, **offered))
    named = f'QoS incompatible: .*{topic}, published by test: .*{words}'
    if words:
        assert watcher.spin_until(lambda: watcher.says('subscriptions', named)), watcher.told()
    else:
        watcher.next_diagnostics()
        assert not watcher.says('subscriptions', topic)
    node.destroy_publisher(publisher)


def test_calibration_that_was_published_once_before_the_node_came_is_taken(
        start, node, tmp_path):
    latched = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    for name in OFFSETS_NS:
        node.create_publisher(CameraInfo, f'camera/{name}/camera_info', latched).publish(
            CameraInfo(width=WIDTH_PX, height=HEIGHT_PX, k=INTRINSICS, r=IDENTITY))
    rig, watcher = start(has_info_publishers=False)
    mount_all(rig)
    watcher.whole_cloud(OFFSETS_NS)
    assert watcher.call('bdc_occ/reload_calibration').success  # it is sent once more
    watcher.next_diagnostics()
    watcher.whole_cloud(OFFSETS_NS)
    assert not watcher.says('calibration', 'no camera_info')


def test_frames_may_begin_with_a_slash(start):
    rig, watcher = start(base_frame='/base_link', camera__FRONT__frame='/FRONT')
    for name in OFFSETS_NS:
        mount = rig.mounted(name)
        mount.header.frame_id, mount.child_frame_id = '/base_link', f'/{name}'
        rig.send_static([mount])
    assert watcher.whole_cloud(OFFSETS_NS).header.frame_id == 'base_link'
