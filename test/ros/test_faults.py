# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Every fault of a camera against the running node.

Each ends in a diagnostic with the camera's name, and the camera's sector is unknown in the grid
and absent from the cloud for as long as its images cannot be trusted; then the node recovers.
"""

import re
import struct

import numpy as np
import pytest
from sensor_msgs.msg import CompressedImage
from simulated_rig import Fault, INTRINSICS, MS, OFFSETS_NS, SimulatedRig, transform
from watcher import cells_in_sector, num_in_sector, Watcher

from bdc_occ_ros.ros.conversions import to_nanoseconds

CAMERA = 'FRONT'
OTHERS = ('LEFT', 'RIGHT')
IDENTITY = np.array([0.0, 0.0, 0.0, 1.0])


@pytest.fixture(scope='module')
def process(tmp_path_factory, start_node, rig_parameters):
    with start_node(tmp_path_factory.mktemp('faults') / 'log',
                    rig_parameters | {'use_sim_time': 'true'}) as process:
        yield process


@pytest.fixture(scope='module')
def rig(ros, process):
    node = ros.create_node('rig')
    yield SimulatedRig(node, is_simulated=True)
    node.destroy_node()


@pytest.fixture(scope='module')
def watcher(ros, rig):
    node = ros.create_node('watcher')
    watcher = Watcher(node, rig)
    watcher.subscribe()
    yield watcher
    node.destroy_node()


@pytest.fixture
def healthy(rig, watcher):
    """Repair everything and wait until all cameras contribute; the node has survived so far."""
    rig.faults = {name: Fault() for name in OFFSETS_NS}
    rig.has_ego_motion = True
    rig.intrinsics = dict.fromkeys(OFFSETS_NS, INTRINSICS)
    rig.info_fields = {name: {} for name in OFFSETS_NS}
    if rig.shift_ns:  # a test that jumped failed before it came back
        rig.shift_ns = 0
        rig.jump()
    for name in OFFSETS_NS:
        rig.mount(name)
    watcher.whole_cloud(OFFSETS_NS)
    return rig


def assert_told(watcher, pattern, camera=CAMERA):
    assert watcher.spin_until(lambda: watcher.says(f'camera {camera}', pattern)), watcher.told()


def assert_sector_unknown(watcher, camera=CAMERA, others=OTHERS):
    """No result shows the camera's sector; the others are still seen."""
    results = watcher.fresh_results(6)
    for cloud, grid in results:
        assert num_in_sector(cloud, camera) == 0
        assert (cells_in_sector(grid, camera) == -1).all()
    for other in others:
        assert any(num_in_sector(cloud, other) and (cells_in_sector(grid, other) != -1).any()
                   for cloud, grid in results)


def is_well(watcher, part):
    return watcher.statuses[part].message == 'OK'


def test_missing_transform(rig, watcher):
    for name in OTHERS:
        rig.mount(name)
    assert_told(watcher, 'FRONT.* not connected')
    assert_sector_unknown(watcher)


def test_healthy_rig_shows_every_sector(healthy, watcher):
    cloud, grid = watcher.fresh_results(1)[-1]
    for name in OFFSETS_NS:
        assert num_in_sector(cloud, name) > 0
        assert (cells_in_sector(grid, name) != -1).any()


def test_dead_camera(healthy, watcher, process):
    assert watcher.spin_until(lambda: is_well(watcher, 'camera FRONT')), watcher.told()
    told = len(process.log)
    healthy.faults[CAMERA] = Fault(is_dead=True)
    assert_told(watcher, r'FRONT silent for \d')
    assert watcher.value('camera FRONT', 'rate_hz') == '0.000'
    assert_sector_unknown(watcher)
    healthy.faults[CAMERA] = Fault()
    watcher.whole_cloud(OFFSETS_NS)
    assert watcher.spin_until(lambda: is_well(watcher, 'camera FRONT')), watcher.told()
    changes = re.findall(r'camera FRONT: (\w+) after \d+\.\d s of (\w+): (.*)', process.log[told:])
    assert [change[:2] for change in changes] == [('WARN', 'OK'), ('OK', 'WARN')]
    assert 'FRONT' in changes[0][2]


def test_odometry_that_stops(healthy, watcher, process):
    assert watcher.spin_until(lambda: is_well(watcher, 'ego motion')), watcher.told()
    told = len(process.log)
    healthy.has_ego_motion = False
    assert watcher.spin_until(lambda: watcher.says('ego motion', 'tf: '))
    assert re.search(r'ego motion: WARN after \d+\.\d s of OK: tf: ', process.log[told:])


def test_all_cameras_dead(healthy, watcher, process):
    watcher.fresh_results(1)
    healthy.faults = {name: Fault(is_dead=True) for name in OFFSETS_NS}
    assert watcher.spin_until(lambda: set(watcher.grids[-1].data) == {-1}), watcher.told()
    assert 'occupancy/grid is all unknown now: no newer one' in process.log
    watcher.next_diagnostics()
    assert {watcher.value(f'camera {name}', 'rate_hz') for name in OFFSETS_NS} == {'0.000'}


def test_dead_key_camera_keeps_the_stamps_of_its_triggers(healthy, watcher):
    healthy.faults['LEFT'] = Fault(is_dead=True)
    assert_told(watcher, r'LEFT silent for \d', 'LEFT')
    healthy.stamps_ns.clear()
    assert_sector_unknown(watcher, 'LEFT', ('FRONT', 'RIGHT'))
    assert watcher.spin_until(
        lambda: to_nanoseconds(watcher.clouds[-1].header.stamp) in healthy.stamps_ns)


def test_late_camera(healthy, watcher):
    healthy.faults[CAMERA] = Fault(late_ns=150 * MS)
    assert_told(watcher, 'FRONT.*its set was closed')
    assert_sector_unknown(watcher)


def test_slow_camera(healthy, watcher):
    healthy.faults[CAMERA] = Fault(every=2)
    assert_told(watcher, r'FRONT delivers \d+\.\d Hz, the fastest camera')
    watcher.whole_cloud(OFFSETS_NS)
    assert watcher.spin_until(lambda: any(
        num_in_sector(cloud, CAMERA) == 0 for cloud in watcher.clouds)), watcher.told()


def test_duplicating_camera(healthy, watcher):
    healthy.faults[CAMERA] = Fault(copies=2)
    assert_told(watcher, 'FRONT.*a repeated stamp')
    watcher.clouds.clear()
    assert watcher.spin_until(lambda: sum(
        num_in_sector(cloud, CAMERA) > 0 for cloud in watcher.clouds) >= 8), watcher.told()
    stamps_ns = [to_nanoseconds(cloud.header.stamp) for cloud in watcher.clouds]
    assert stamps_ns == sorted(set(stamps_ns))


def test_zero_stamped_camera(healthy, watcher):
    healthy.faults[CAMERA] = Fault(stamp=lambda _: 0)
    assert_told(watcher, 'FRONT.*its stamp is zero')
    assert_sector_unknown(watcher)


def test_camera_stamped_in_the_future(healthy, watcher):
    healthy.faults[CAMERA] = Fault(stamp=lambda stamp_ns: stamp_ns + 3600 * 1000 * MS)
    assert_told(watcher, 'FRONT.*its stamp lies ahead of the clock')
    assert_sector_unknown(watcher)


def truncated(message):
    return CompressedImage(header=message.header, format=message.format,
                           data=message.data[:len(message.data) // 2])


def scrambled(message):
    return CompressedImage(header=message.header, format='webp', data=b'RIFF' + bytes(100))


def test_truncated_jpeg(healthy, watcher):
    healthy.faults[CAMERA] = Fault(image=truncated)
    assert_told(watcher, 'FRONT: JPEG (damaged or )?truncated')
    assert_sector_unknown(watcher)


def test_bytes_that_are_no_message(healthy, watcher):
    healthy.faults[CAMERA] = Fault(is_dead=True)
    for _ in range(20):
        healthy.send_bytes(CAMERA, b'\0\1\0\0' + b'\xff' * 40)
    assert_told(watcher, r'FRONT silent for \d')
    assert_sector_unknown(watcher)


def test_unknown_compression(healthy, watcher):
    healthy.faults[CAMERA] = Fault(image=scrambled)
    assert_told(watcher, 'FRONT: neither JPEG nor PNG')
    assert_sector_unknown(watcher)


def with_fields(**fields):
    def change(message):
        for name, value in fields.items():
            setattr(message, name, value)
        return message
    return change


def test_unknown_encoding(healthy, watcher):
    healthy.faults['RIGHT'] = Fault(image=with_fields(encoding='bayer_rggb12'))
    assert_told(watcher, "RIGHT: encoding 'bayer_rggb12' is unknown", 'RIGHT')
    assert_sector_unknown(watcher, 'RIGHT', ('LEFT', CAMERA))


def test_wrong_amount_of_data(healthy, watcher):
    healthy.faults['RIGHT'] = Fault(image=with_fields(height=200))
    assert_told(watcher, 'RIGHT: 128x200 bgr8 needs', 'RIGHT')
    assert_sector_unknown(watcher, 'RIGHT', ('LEFT', CAMERA))


def test_wrong_size(healthy, watcher):
    healthy.faults['RIGHT'] = Fault(
        image=lambda message: with_fields(height=32, data=message.data[:32 * message.step])(
            message))
    assert_told(watcher, 'RIGHT: the image is 128x32, but the calibration belongs to 128x64',
                'RIGHT')
    assert_sector_unknown(watcher, 'RIGHT', ('LEFT', CAMERA))


@pytest.mark.parametrize('intrinsics, words', [
    ((float('nan'), *INTRINSICS[1:]), 'FRONT: intrinsics must be a finite'),
    ((0.0,) * 9, 'FRONT: intrinsics must be .* a last row 0 0 1'),
    ((*INTRINSICS[:5], 1.7e308, *INTRINSICS[6:]), 'FRONT: principal point cy must lie in'),
], ids=['nan', 'singular', 'far off'])
def test_impossible_intrinsics(healthy, watcher, intrinsics, words):
    healthy.intrinsics[CAMERA] = intrinsics
    assert_told(watcher, words)
    assert_sector_unknown(watcher)


def test_sizes_that_no_camera_has(healthy, watcher):
    healthy.info_fields[CAMERA] = {
        'width': 40000, 'height': 16, 'distortion_model': 'plumb_bob', 'd': [-0.3, 0.1, 0, 0, 0]}
    assert_told(watcher, 'FRONT: image size .* claims 40000x16')
    assert_sector_unknown(watcher)


def claiming(height, width):
    def change(message):
        data = bytearray(message.data)
        place = data.find(b'\xff\xc0')
        data[place + 5:place + 9] = struct.pack('>HH', height, width)
        return CompressedImage(header=message.header, format='jpeg', data=bytes(data))
    return change


@pytest.mark.parametrize('height, width', [(60000, 1), (32000, 32000)])
def test_jpeg_of_sides_that_no_image_has(healthy, watcher, height, width):
    healthy.faults[CAMERA] = Fault(image=claiming(height, width))
    assert_told(watcher, f'FRONT: image size .* claims {width}x{height}')
    assert_sector_unknown(watcher)


def test_zeros_behind_the_distortion_say_nothing(healthy, watcher):
    healthy.info_fields[CAMERA] = {
        'distortion_model': 'plumb_bob', 'd': [-0.01, 0.001, 0.0, 0.0, 0.001, 0.0, 0.0, 0.0]}
    assert watcher.spin_until(lambda: watcher.says('calibration', 'changed 1 times'))
    watcher.whole_cloud(OFFSETS_NS)


@pytest.mark.parametrize('rotation', [(0.5, 0.5, 0.0, 0.1), (float('nan'),) * 4])
def test_mount_stays_where_a_transform_is_refused(healthy, watcher, rotation):
    healthy.mount(CAMERA, np.array(rotation))
    assert_told(watcher, 'a transform was refused, the one before it stays: .*FRONT')
    watcher.whole_cloud(OFFSETS_NS)
    assert watcher.call('bdc_occ/reload_calibration').success
    watcher.whole_cloud(OFFSETS_NS)


def test_refused_transforms_of_ever_new_frames_are_counted_and_not_kept(healthy, watcher):
    num_before = int(watcher.value('calibration', 'transforms_refused'))
    nan = np.full(4, np.nan)
    for start in range(0, 10_000, 500):
        healthy.send_static([transform('base_link', f'{"x" * 200}_{number}', 0, (0, 0, 0), nan)
                             for number in range(start, start + 500)])
        watcher.next_diagnostics()
    assert watcher.spin_until(
        lambda: int(watcher.value('calibration', 'transforms_refused')) == num_before + 10_000)
    assert 'x_9999' in watcher.statuses['calibration'].message
    size = sum(len(status.message) for status in watcher.statuses.values())
    assert size < 10_000, size
    watcher.whole_cloud(OFFSETS_NS)


def test_rotation_of_a_body_frame(healthy, watcher):
    healthy.mount(CAMERA, IDENTITY)
    assert_told(watcher, 'looks straight up')


def test_all_stamps_zero_are_replaced_by_the_time_of_arrival(healthy, watcher):
    healthy.faults = {name: Fault(stamp=lambda _: 0) for name in OFFSETS_NS}
    assert watcher.spin_until(lambda: watcher.says('synchronizer', 'stamps are zero'))
    clouds = watcher.fresh_clouds(3)
    now_ns = healthy.clock()
    assert all(0 <= now_ns - to_nanoseconds(cloud.header.stamp) < 2_000 * MS for cloud in clouds)
    healthy.faults = {name: Fault() for name in OFFSETS_NS}
    assert watcher.call('bdc_occ/reset').success


def test_time_jump_back_and_forth(healthy, watcher):
    watcher.next_diagnostics()  # older ones may count an epoch of the test before
    epoch = int(watcher.value('synchronizer', 'epoch'))
    healthy.shift_ns = -20_000 * MS
    healthy.jump()
    assert watcher.spin_until(lambda: int(watcher.value('synchronizer', 'epoch')) == epoch + 1)
    back = watcher.fresh_clouds(5)[-1]
    assert to_nanoseconds(back.header.stamp) in healthy.stamps_ns
    jumped_ns = healthy.clock()
    compensated = int(watcher.value('ego motion', 'compensated'))
    assert watcher.spin_until(
        lambda: int(watcher.value('ego motion', 'compensated')) > compensated + 3)
    assert healthy.clock() - jumped_ns < 15_000 * MS  # not only when the old poses are passed
    healthy.shift_ns = 0
    healthy.jump()
    cloud = watcher.whole_cloud(OFFSETS_NS)
    assert to_nanoseconds(cloud.header.stamp) in healthy.stamps_ns
