# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rig that README describes, from nothing: four cameras of a small robot, two are fisheyes."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
import json
from pathlib import Path
import re
from threading import Event
import time

import cv2
from lifecycle_msgs.srv import GetState
from nav_msgs.msg import Odometry
import numpy as np
import pytest
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from simulated_rig import transform, wait_for_the_node
from tf2_msgs.msg import TFMessage
from watcher import LATCHED, Watcher

from bdc_occ_ros.bags.dataset_profiles import parameter_files
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.geometry.camera_rig import Camera, CameraRig
from bdc_occ_ros.geometry.rotations import quaternion_from_matrix
from bdc_occ_ros.ros.conversions import BODY_FROM_OPTICAL, make_header
from bdc_occ_ros.share import share_path
from bdc_occ_ros.world.drive import Drive

README = Path(__file__).parents[2] / 'README.md'
YAWS_DEG = {'front': 0, 'left': 90, 'rear': 180, 'right': -90}
FISHEYES = {'left', 'right'}
WIDTH_PX, HEIGHT_PX, FOCAL_PX, RENDERED_FOCAL_PX = 640, 480, 300.0, 150.0
DISTORTION = np.array((0.02, -0.005, 0.0, 0.0))
INTRINSICS = np.array(((FOCAL_PX, 0, 320), (0, FOCAL_PX, 240), (0, 0, 1.0)))


def robot(pitch_deg=10.0):
    """Return the cameras, 0.9 m high and pitched down."""
    cameras = []
    for name, yaw_deg in YAWS_DEG.items():
        yaw, pitch = (cv2.Rodrigues(np.radians(angles))[0]
                      for angles in ((0.0, 0.0, yaw_deg), (0.0, pitch_deg, 0.0)))
        mount = np.eye(4)
        mount[:3, :3] = yaw @ pitch @ BODY_FROM_OPTICAL[:3, :3]
        mount[:3, 3] = *(0.3 * yaw[:2, 0]), 0.9
        cameras.append(Camera(name, WIDTH_PX, HEIGHT_PX, INTRINSICS, mount))
    return CameraRig(tuple(cameras), 'front')


def bent(image):
    """Return what a fisheye shows, from the image that a pinhole of a wider view has there."""
    pixels = np.stack(np.meshgrid(*map(np.arange, (WIDTH_PX, HEIGHT_PX))), axis=-1)
    straight = cv2.fisheye.undistortPoints(pixels.reshape(1, -1, 2).astype(np.float64), INTRINSICS,
                                           DISTORTION)
    wanted = (straight.reshape(*pixels.shape) * RENDERED_FOCAL_PX + (320, 240)).astype(np.float32)
    return cv2.remap(image, wanted, None, cv2.INTER_LINEAR)


@pytest.fixture(scope='module')
def images():
    """Return one trigger of the made-up city as these cameras see it."""
    rig = robot()
    wider = tuple(
        replace(camera, intrinsics=np.diag((0.5, 0.5, 1.0)) @ INTRINSICS + (
            (0, 0, 160), (0, 0, 120), (0, 0, 0))) if camera.name in FISHEYES else camera
        for camera in rig.cameras)
    seen = Drive(CameraRig(wider, 'front'), seed=3).images(0)
    return {name: bent(image) if name in FISHEYES else image for name, image in seen.items()}


class Robot:
    """Publishes four raw images, camera_info, TF and odometry; a trigger whenever it is taken."""

    def __init__(self, node, images):
        self._node, self._images, self._count = node, images, 0
        self._state = node.create_client(GetState, 'bdc_occ/get_state')
        self._tf = node.create_publisher(TFMessage, '/tf_static', LATCHED)
        self._odometry = node.create_publisher(Odometry, 'odom', 10)
        self._publishers = {name: (
            node.create_publisher(Image, f'{name}/image_raw', QoSProfile(depth=10)),
            node.create_publisher(CameraInfo, f'{name}/camera_info', QoSProfile(depth=10)))
            for name in images}
        self.mount(robot())

    def mount(self, rig):
        self._tf.publish(TFMessage(transforms=[
            transform('base_footprint', f'{camera.name}_optical', 0,
                      camera.ego_from_camera[:3, 3],
                      quaternion_from_matrix(camera.ego_from_camera[:3, :3]))
            for camera in rig.cameras]))

    def step(self):
        self._count += 1
        stamp_ns = time.time_ns()
        odometry = Odometry(header=make_header(stamp_ns, 'odom'), child_frame_id='base_footprint')
        odometry.pose.pose.position.x = 0.1 * self._count
        self._odometry.publish(odometry)
        for name, (image, info) in self._publishers.items():
            header = make_header(stamp_ns, f'{name}_optical')
            is_fisheye = name in FISHEYES
            info.publish(CameraInfo(
                header=header, width=WIDTH_PX, height=HEIGHT_PX, k=INTRINSICS.reshape(-1),
                distortion_model='equidistant' if is_fisheye else 'plumb_bob',
                d=(DISTORTION if is_fisheye else np.zeros(5)).tolist()))
            image.publish(Image(header=header, width=WIDTH_PX, height=HEIGHT_PX, encoding='rgb8',
                                step=3 * WIDTH_PX, data=self._images[name].tobytes()))
        wait_for_the_node(self._node, self._state)


@pytest.fixture(scope='module')
def rig_file(tmp_path_factory):
    text, = re.findall(r'^```yaml\n(.*?)^```', README.read_text(), re.DOTALL | re.MULTILINE)
    path = tmp_path_factory.mktemp('rig') / 'my_rig.yaml'
    path.write_text(text)
    return path


def test_the_rig_of_the_readme_finds_free_occupied_and_unknown_cells(
        node, images, rig_file, start_node, tmp_path):
    files = [share_path('config', 'occ.yaml'), *parameter_files(str(rig_file))]
    parameters = {'input_qos': 'reliable', 'model.device': 'cpu', 'sync.deadline_ms': 2000.0}
    with start_node(tmp_path / 'log', parameters, parameter_files=files) as process:
        watcher = Watcher(node)
        watcher.subscribe()
        publisher = Robot(node, images)
        watcher.step = publisher.step
        assert watcher.spin_until(lambda: watcher.grids and watcher.value(
            'synchronizer', 'complete') != '0'), process.log_tail()
        watcher.grids.clear()
        assert watcher.spin_until(lambda: len(watcher.grids) > 2), watcher.told()
        watcher.next_diagnostics()
        grid = watcher.grids[-1]
        cells = np.array(grid.data)
        assert grid.header.frame_id == 'base_footprint'
        assert min((cells == 0).sum(), (cells == 100).sum(), (cells == -1).sum()) > 100
        assert watcher.value('ego motion', 'source') == 'odom'
        assert not watcher.says('output', 'can be free')
        assert 'network input of 272 rows' in process.log
        assert 'CAM_FRONT' not in process.log
        publisher.mount(robot(pitch_deg=60.0))
        assert watcher.spin_until(lambda: watcher.says(
            'output', 'no cell of occupancy/grid can be free')), watcher.told()


def test_the_rig_of_a_running_robot_is_looked_at_before_anybody_drives(
        node, images, rig_file, tmp_path, capsys):
    has_ended, publisher = Event(), Robot(node, images)

    def publish():
        while not has_ended.wait(0.05):
            publisher.step()
    with ThreadPoolExecutor(1) as pool:
        published = pool.submit(publish)
        try:
            status = main(['rig', str(rig_file), '--live', '--json', '-o',
                           str(tmp_path / 'rig.png')])
        finally:
            has_ended.set()
        published.result()
    report = json.loads(capsys.readouterr().out)
    assert status == 0 and report['odd'] == [] and report['input_rows'] == 272
    assert list(report['cameras']) == list(YAWS_DEG)
    for name, yaw_deg in YAWS_DEG.items():
        numbers = report['cameras'][name]
        assert abs((numbers['yaw_deg'] - yaw_deg + 180) % 360 - 180) < 0.2
        assert (numbers['pitch_deg'], numbers['height_m']) == (-10.0, 0.9)
    assert (tmp_path / 'rig.png').stat().st_size > 10_000
