# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A scene of a data set in a bag: every image, sweep, pose and calibration of it, unchanged."""

from collections import Counter
import json
import re
import shutil

from made_scenes import START_US, SWEEPS_PER_SAMPLE, TRIGGERS_PER_SAMPLE, VERSION, world_from_ego
import numpy as np
import pytest

from bdc_occ_ros.bags import TRUTH_FILE
from bdc_occ_ros.bags.bag_frames import RigBag
from bdc_occ_ros.bags.bag_reader import BagReader
from bdc_occ_ros.bags.dataroot_bag import write_dataroot_bag
from bdc_occ_ros.bags.formats import converter_format, CONVERTER_FORMATS
from bdc_occ_ros.bags.truth_file import load_truth
from bdc_occ_ros.classes import OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.dataset.scene_readings import read_scene
from bdc_occ_ros.errors import InvalidDatasetError

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')
SCENE, NUM_SAMPLES = 'scene-0103', 6


@pytest.fixture(scope='module')
def dataset(swept_dataroot):
    return NuscenesDataset(swept_dataroot, VERSION, None)


def files(dataroot, channel):
    """Return the files of a sensor by their time in microseconds."""
    return {int(path.name.partition('.')[0].rpartition('__')[2]): path
            for path in dataroot.glob(f's*/{channel}/*')}


def decoded(path):
    with BagReader(path) as bag:
        return [(message.topic, message.stamp_ns, bag.decode(message))
                for message in bag.messages()]


def stamp_us(message):
    return message.header.stamp.sec * 10**6 + message.header.stamp.nanosec // 1000


def test_the_readings_of_a_scene_are_grouped_by_trigger(dataset, small_rig):
    scene = read_scene(dataset, SCENE)
    assert len(scene.sets) == NUM_SAMPLES * TRIGGERS_PER_SAMPLE
    assert [len({image.channel for image in part.images}) for part in scene.sets] == [6] * 36
    assert all(part.images[-1].stamp_ns - part.images[0].stamp_ns == 42_600_000
               for part in scene.sets)
    assert [number for number, part in enumerate(scene.sets) if part.key] == [0, 6, 12, 18, 24, 30]
    assert [part.key for part in scene.sets if part.key] == list(dataset.keys)
    assert len(scene.sweeps) == NUM_SAMPLES * (SWEEPS_PER_SAMPLE - 1)
    assert np.allclose(scene.rig['CAM_BACK'].ego_from_camera,
                       small_rig['CAM_BACK'].ego_from_camera)


@pytest.mark.parametrize('camera, offset_us', [('CAM_FRONT_LEFT', 0), ('CAM_BACK', 32_700)])
def test_a_lost_image_leaves_its_set_smaller_and_no_other_changed(camera, offset_us, dataset,
                                                                  swept_dataroot):
    name = files(swept_dataroot, camera)[START_US + 50_000 + offset_us].name
    lost, = (row for row in dataset.tables.sample_data if row['filename'].endswith(name))
    dataset.tables.sample_data.remove(lost)
    sets = read_scene(dataset, SCENE).sets
    dataset.tables.sample_data.append(lost)
    assert [len(part.images) for part in sets] == [6, 5] + [6] * 34


def test_images_stamps_poses_and_truth_come_back(swept_dataroot, tmp_path, capsys):
    bag = tmp_path / 'bag'
    assert main(['bag', 'write', '--dataroot', str(swept_dataroot), '--version', VERSION,
                 '--scene', SCENE, '-o', str(bag), '--json']) == 0
    assert json.loads(capsys.readouterr().out) == {
        'path': str(bag), 'num_sets': 36, 'num_images': 216, 'num_truths': NUM_SAMPLES,
        'duration_s': pytest.approx(2.9426)}
    sent = Counter()
    for topic, recorded_ns, message in decoded(bag):
        if topic.endswith('compressed'):
            camera = message.header.frame_id
            expected = files(swept_dataroot, camera)[stamp_us(message)]
            assert bytes(message.data) == expected.read_bytes()
            assert recorded_ns == stamp_us(message) * 1000
            sent[camera] += 1
    assert set(sent.values()) == {36} and len(sent) == 6
    frames = list(RigBag(bag).frames())
    assert len(frames) == 36 and len(frames[7].images) == 6
    for name, pose in frames[7].fixed_from_ego.items():
        assert np.allclose(pose, world_from_ego(frames[7].stamps_ns[name] // 1000), atol=1e-6)
    truths = load_truth(bag / TRUTH_FILE)
    assert [truth.stamp_ns for truth in truths] == [f.stamp_ns for f in frames[::6]]
    assert all(truth.occupancy is None and len(truth.boxes) == 1 for truth in truths)


def test_the_voxels_of_the_truth_are_where_the_key_camera_saw_them(made_dataroot, tmp_path):
    labelled = NuscenesDataset(made_dataroot, VERSION, 'check')
    write_dataroot_bag(tmp_path / 'bag', labelled, 'scene-0002')
    for number, truth in enumerate(load_truth(tmp_path / 'bag' / TRUTH_FILE)):
        # The sweep comes 43 ms later, 0.34 m ahead: one cell of 0.4 m.
        cars = np.argwhere(truth.occupancy.labels == OCCUPANCY_CLASS_NAMES.index('car'))
        assert cars.tolist() == [[101 + number, 7, 3]]
        assert not truth.occupancy.observed[0].any() and truth.occupancy.observed[1:].all()


@pytest.mark.parametrize('converter', CONVERTER_FORMATS.values(), ids=CONVERTER_FORMATS)
def test_every_format_holds_all_that_its_converter_takes(converter, dataset, swept_dataroot,
                                                          tmp_path):
    summary = write_dataroot_bag(tmp_path / 'bag', dataset, SCENE, converter=converter)
    num_sets = NUM_SAMPLES if converter.is_keyframes_only else 36
    assert (summary.num_sets, summary.num_images) == (num_sets, 6 * num_sets)
    messages = decoded(tmp_path / 'bag')
    images = [m for _, _, m in messages if hasattr(m, 'encoding') or hasattr(m, 'format')]
    assert len(images) == 6 * num_sets
    if converter.encoding == 'jpeg':
        originals = {path.read_bytes() for path in files(swept_dataroot, 'CAM_FRONT').values()}
        assert {bytes(image.data) for image in images} == originals
    clouds = [m for _, _, m in messages if hasattr(m, 'point_step')]
    num_sweeps = NUM_SAMPLES * (1 if converter.is_keyframes_only else SWEEPS_PER_SAMPLE)
    assert len(clouds) == (num_sweeps if converter.lidar_topic else 0)


@pytest.mark.parametrize('name, topic, frame, fields, step', [
    ('nuscenes2bag', '/lidar_top', 'lidar_top', {'x': 0, 'y': 4, 'z': 8, 'intensity': 12}, 16),
    ('nuscenes2bag_ros2', '/lidar_top', '', {'x': 0, 'y': 4, 'z': 8, 'intensity': 12}, 16),
    ('nuscenes_to_ros2bag', '/nuscenes/lidar_top', 'lidar_top_link',
     {'x': 0, 'y': 4, 'z': 8, 'intensity': 16, 'ring': 20}, 32),
    ('mcap_style', '/LIDAR_TOP', 'LIDAR_TOP',
     {'x': 0, 'y': 4, 'z': 8, 'intensity': 12, 'ring': 16}, 20),
    ('dataset_bridge', '/nuscenes/LIDAR_TOP/data', 'LIDAR_TOP',
     {'x': 0, 'y': 4, 'z': 8, 'intensity': 12}, 16)])
def test_sweeps_have_the_fields_of_the_converter(name, topic, frame, fields, step, dataset,
                                                 swept_dataroot, tmp_path):
    write_dataroot_bag(tmp_path / 'bag', dataset, SCENE, converter=converter_format(name))
    clouds = [(recorded_ns, m) for t, recorded_ns, m in decoded(tmp_path / 'bag') if t == topic]
    sweeps = files(swept_dataroot, 'LIDAR_TOP')
    if name == 'dataset_bridge':
        sweeps = {time: path for time, path in sweeps.items() if path.parts[-3] == 'samples'}
    assert len(clouds) == len(sweeps)
    for (recorded_ns, cloud), time in zip(clouds, sorted(sweeps)):
        assert cloud.header.frame_id == frame and cloud.point_step == step
        assert {field.name: field.offset for field in cloud.fields} == fields
        points = np.frombuffer(bytes(cloud.data), np.float32).reshape(-1, step // 4)
        written = np.fromfile(sweeps[time], np.float32).reshape(-1, 5)
        for column, offset in enumerate(fields.values()):
            assert np.array_equal(points[:, offset // 4], written[:, column])
        if name != 'dataset_bridge':
            assert recorded_ns == time * 1000
            assert stamp_us(cloud) == (0 if name == 'nuscenes2bag_ros2' else time)


def test_the_lidar_is_in_the_tree_where_the_cameras_are(dataset, tmp_path):
    converter = converter_format('nuscenes2bag')
    write_dataroot_bag(tmp_path / 'bag', dataset, SCENE, converter=converter)
    trees = [m for topic, _, m in decoded(tmp_path / 'bag') if topic == '/tf']
    assert len(trees) == 36 * 6 + NUM_SAMPLES * SWEEPS_PER_SAMPLE  # one at every reading
    mounts = {t.child_frame_id: t.transform.translation for t in trees[0].transforms}
    assert mounts['lidar_top'].z == pytest.approx(1.8) and 'cam_back' in mounts


@pytest.mark.parametrize('arguments, reason', [
    (['--dataroot', '{root}', '--scene'], 'needs both'),
    (['--scene', 'scene-0103'], 'needs both'),
    (['--dataroot', '{root}', '--scene', 'scene-9'], "no scene 'scene-9'; it has .'scene-0103'"),
    (['--dataroot', '{tmp}', '--scene', 'scene-0103'], 'no nuScenes data set'),
])
def test_what_cannot_be_written_is_said_in_one_line(arguments, reason, swept_dataroot, tmp_path,
                                                    capsys):
    words = [word.format(root=swept_dataroot, tmp=tmp_path) for word in arguments]
    assert main(['bag', 'write', '-o', str(tmp_path / 'x'), '--version', VERSION, *words]) == 2
    printed = capsys.readouterr().err
    assert printed.count('\n') == 1 and re.search(reason, printed)


def test_damaged_data_sets_are_named(swept_dataroot, tmp_path):
    shutil.copytree(swept_dataroot, tmp_path / 'copy')
    damaged = NuscenesDataset(tmp_path / 'copy', VERSION, None)
    rows = [row for row in damaged.tables.sample_data if row['channel'] == 'CAM_BACK']
    damaged.rows.file(next(row for row in rows if row['is_key_frame'])).unlink()
    with pytest.raises(InvalidDatasetError, match='CAM_BACK.*No such file'):
        write_dataroot_bag(tmp_path / 'a', damaged, SCENE)
    rows[3]['filename'] = '../../etc/passwd'
    with pytest.raises(InvalidDatasetError, match='outside the data set'):
        write_dataroot_bag(tmp_path / 'b', damaged, SCENE)
    rows[3] |= {'filename': rows[4]['filename'], 'calibrated_sensor_token': 'another'}
    with pytest.raises(InvalidDatasetError, match='CAM_BACK has several calibrations'):
        read_scene(damaged, SCENE)
    for row in rows:
        row['channel'] = 'RADAR'
    with pytest.raises(InvalidDatasetError, match=r"no images of \['CAM_BACK'\]"):
        read_scene(damaged, SCENE)


def test_keyframes_alone_are_written_where_the_sweeps_are_not_there(swept_dataroot, tmp_path,
                                                                     capsys, caplog):
    copy = tmp_path / 'copy'
    shutil.copytree(swept_dataroot, copy, ignore=shutil.ignore_patterns('sweeps'))
    arguments = ['bag', 'write', '--dataroot', str(copy), '--version', VERSION, '--scene', SCENE,
                 '-o', str(tmp_path / 'bag'), '--json']
    assert main(arguments) == 0
    assert json.loads(capsys.readouterr().out)['num_sets'] == NUM_SAMPLES
    assert f'{SCENE}: 234 sweeps are not in {copy} and are left out' in caplog.text
    assert main(['check-data', str(copy)]) == main(['check-data', str(swept_dataroot)])
    assert [line.split()[-1] for line in capsys.readouterr().out.splitlines()
            if 'sweeps that are there' in line] == ['0.0%', '100.0%']


def test_a_keyframe_that_is_not_there_leaves_no_bag(swept_dataroot, tmp_path, capsys):
    copy = tmp_path / 'copy'
    shutil.copytree(swept_dataroot, copy)
    max((copy / 'samples' / 'CAM_BACK').iterdir()).unlink()
    arguments = ['bag', 'write', '--dataroot', str(copy), '--version', VERSION, '--scene', SCENE,
                 '-o', str(tmp_path / 'bag')]
    assert main(arguments) == main(arguments) == 2
    assert capsys.readouterr().err.count('No such file') == 2
    assert [path.name for path in tmp_path.iterdir()] == ['copy']
