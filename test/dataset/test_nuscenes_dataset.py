# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What is written as nuScenes tables comes back through the devkit; real numbers reproduce."""

import gc
import json
import shutil
import zipfile

from made_scenes import (
    CAR_SPEED_MPS,
    made_sample,
    NUM_SAMPLES,
    VERSION,
    world_from_car,
    world_from_ego,
)
import numpy as np
import pytest

from bdc_occ_ros.dataset.dataroot import assemble_dataroot
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.dataset.occ3d_label import load_label
from bdc_occ_ros.dataset.scene_writer import (
    Annotation,
    SampleRecord,
    SceneDescription,
    SceneWriter,
    SensorReading,
)
from bdc_occ_ros.errors import (
    InvalidDatasetError,
    InvalidImageError,
    InvalidLabelError,
    UsageError,
)
from bdc_occ_ros.geometry.rotations import pose_from_wxyz

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')


@pytest.fixture(scope='module')
def dataset(made_dataroot):
    return NuscenesDataset(made_dataroot, VERSION, 'check')


def test_a_split_holds_its_scenes_in_the_order_of_time(dataset, made_dataroot):
    assert len(dataset) == NUM_SAMPLES
    assert {key.scene_name for key in dataset.keys} == {'scene-0002'}
    stamps = [dataset.tables.get('sample', key.token)['timestamp'] for key in dataset.keys]
    assert stamps == sorted(stamps) and len(set(stamps)) == NUM_SAMPLES
    assert len(NuscenesDataset(made_dataroot, VERSION, 'learn')) == NUM_SAMPLES


def test_frames_come_back_with_the_pose_of_every_exposure(dataset, small_rig):
    for number, key in enumerate(dataset.keys):
        frame, written = dataset.frame(key), made_sample(small_rig, number)
        assert frame.rig.key_camera == 'CAM_FRONT_LEFT'
        assert frame.stamp_ns == written.images['CAM_FRONT_LEFT'].stamp_us * 1000
        for name, image in frame.images.items():
            assert abs(int(image.mean()) - (20 * number + 5)) <= 2
            assert frame.stamps_ns[name] == written.images[name].stamp_us * 1000
            assert np.allclose(frame.fixed_from_ego[name], written.images[name].world_from_ego)
            assert np.allclose(frame.rig[name].ego_from_camera, small_rig[name].ego_from_camera)
            assert np.allclose(frame.rig[name].intrinsics, small_rig[name].intrinsics)


def test_boxes_are_given_in_the_key_camera_s_ego_frame_with_velocity(dataset):
    key = dataset.keys[1]
    boxes = dataset.boxes(key)
    assert [boxes.class_names[label] for label in boxes.labels] == ['car', 'traffic_cone']
    stamp_us = dataset.tables.get('sample', key.token)['timestamp']
    ego_from_world = np.linalg.inv(world_from_ego(boxes.stamp_ns // 1000))
    expected = ego_from_world @ world_from_car(stamp_us)
    assert np.allclose(boxes.centers_m[0], expected[:3, 3], atol=1e-4)
    assert boxes.yaws_rad[0] == pytest.approx(0.1, abs=1e-5)
    assert np.allclose(boxes.sizes_m[0], (4.0, 1.8, 1.5))
    assert np.allclose(boxes.velocities_mps[0], (CAR_SPEED_MPS, 0.0), atol=1e-3)
    assert np.allclose(boxes.velocities_mps[1], 0.0, atol=1e-3)


def test_sweeps_and_lidar_positions_come_back(dataset):
    points_m = dataset.lidar_points_m(dataset.keys[2])
    ego = world_from_ego(dataset.tables.get('sample', dataset.keys[2].token)['timestamp'])
    lidar = ego @ pose_from_wxyz((0.9, 0.0, 1.8), (np.cos(-np.pi / 4), 0, 0, np.sin(-np.pi / 4)))
    expected = [[1, 2, 3], [4, 5, 6], [2, 0, 0]] @ lidar[:3, :3].T + lidar[:3, 3]
    assert np.allclose(points_m, expected, atol=1e-4)
    origins_m = dataset.lidar_origins_m(dataset.keys[2])
    assert np.allclose(origins_m, [[0.9 + 4.0 * step, 0.0, 1.8] for step in (-2, -1, 0, 1)],
                       atol=1e-6)


def test_labels_come_back(dataset):
    label = dataset.label(dataset.keys[3])
    assert label.semantics[103, 7, 3] == 4 and (label.semantics == 4).sum() == 1
    assert label.mask_camera.all() and not label.mask_lidar.any()


def test_the_devkit_s_own_views_work_on_what_is_written(dataset):
    tables = dataset.tables
    first = tables.get('sample', dataset.keys[0].token)
    path, boxes, intrinsics = tables.get_sample_data(first['data']['CAM_FRONT'])
    assert len(boxes) == 2 and np.asarray(intrinsics).shape == (3, 3) and path.endswith('.jpg')
    instance = tables.get('instance', tables.get('sample_annotation', first['anns'][0])
                          ['instance_token'])
    assert instance['nbr_annotations'] == NUM_SAMPLES
    assert tables.get('attribute', tables.get('sample_annotation', first['anns'][0])
                      ['attribute_tokens'][0])['name'] == 'vehicle.moving'


@pytest.mark.parametrize('split, message', [
    ('val', "'val' is of trainval .* defines \\['check', 'learn'\\]"),
    ('nonsense', "'nonsense' is none of nuScenes")])
def test_an_unknown_or_empty_split_is_refused(made_dataroot, split, message):
    with pytest.raises(InvalidDatasetError, match=message):
        NuscenesDataset(made_dataroot, VERSION, split)


def test_what_is_no_data_set_is_refused(made_dataroot, tmp_path):
    with pytest.raises(InvalidDatasetError, match='no nuScenes data set'):
        NuscenesDataset(tmp_path, VERSION, 'check')
    shutil.copytree(made_dataroot, tmp_path / 'copy')
    (tmp_path / 'copy' / VERSION / 'ego_pose.json').write_text('[]')
    broken = NuscenesDataset(tmp_path / 'copy', VERSION, 'check')
    with pytest.raises(InvalidDatasetError, match='ego_pose has no row'):
        broken.frame(broken.keys[0])
    (tmp_path / 'copy' / VERSION / 'sensor.json').write_text('[')
    with pytest.raises(InvalidDatasetError, match='sensor.json: not JSON.*check-data lists all'):
        NuscenesDataset(tmp_path / 'copy', VERSION, 'check')


def rewrite(dataroot, table, **values):
    """Change the first row of a table."""
    path = dataroot / VERSION / f'{table}.json'
    rows = json.loads(path.read_text())
    rows[0] |= values
    path.write_text(json.dumps(rows))
    return rows[0]


@pytest.fixture
def copy(made_dataroot, tmp_path):
    return shutil.copytree(made_dataroot, tmp_path / 'copy')


def test_maps_and_segmentations_are_not_needed(copy, dataset):
    shutil.rmtree(copy / 'maps')
    (copy / VERSION / 'map.json').unlink()
    (copy / VERSION / 'lidarseg.json').write_text('[]')  # without its folder
    without = NuscenesDataset(copy, VERSION, 'check')
    assert without.keys == dataset.keys
    assert np.array_equal(without.boxes(without.keys[0]).centers_m,
                          dataset.boxes(dataset.keys[0]).centers_m)


def test_a_sample_that_comes_after_itself_is_named(copy):
    first = rewrite(copy, 'sample')
    rewrite(copy, 'sample', next=first['token'])
    with pytest.raises(InvalidDatasetError, match=f"'{first['token']}' of 'scene-0001' comes aft"):
        NuscenesDataset(copy, VERSION, None)


def test_an_annotation_that_names_no_other_is_refused(copy):
    row = rewrite(copy, 'sample_annotation', prev='nowhere')
    dataset = NuscenesDataset(copy, VERSION, None)
    key = next(key for key in dataset.keys if key.token == row['sample_token'])
    with pytest.raises(InvalidDatasetError, match="'nowhere' is missing; the tables belong"):
        dataset.boxes(key)


@pytest.mark.parametrize(('table', 'values', 'words'), [
    ('sample_data', {'timestamp': 10 ** 30}, 'timestamp is whole'),
    ('sample_data', {'timestamp': None}, 'timestamp is whole; got None'),
    ('sample_data', {'is_key_frame': 'x' * 10 ** 6}, 'is_key_frame is true or false'),
    ('ego_pose', {'translation': [10 ** 400, 0, 0]}, 'translation is 3 finite numbers'),
    ('ego_pose', {'rotation': [1e308, 0, 0, 0]}, 'rotation is 4 finite numbers'),
    ('sample', {'scene_token': None}, 'scene_token is text'),
    ('sensor', {'channel': ['a']}, 'channel is text'),
    ('scene', {'name': 'x' * 10 ** 6}, 'name is text'),
    ('scene', {'name': 'x' * 256}, 'name is text'),  # no file can have that name
    ('sample_data', {'filename': 'x' * 256}, 'filename is text'),
    ('category', {'name': None}, 'name is text'),
    ('sample_annotation', {'attribute_tokens': ['a', 'b']}, 'one token or none'),
    ('sample_annotation', {'prev': None}, 'prev is text'),
    ('sample_annotation', {'instance_token': 'x'}, "'x' is missing; the tables belong"),
    ('scene', {'log_token': '', 'token': None}, 'token is text')])
def test_wrong_values_are_named_wherever_a_data_set_is_opened(copy, table, values, words):
    rewrite(copy, table, **values)
    with pytest.raises(InvalidDatasetError, match=words) as caught:
        NuscenesDataset(copy, VERSION, 'check')
    assert len(str(caught.value)) < 700


def test_missing_files_of_a_sample_are_named(made_dataroot, tmp_path):
    shutil.copytree(made_dataroot, tmp_path / 'copy')
    dataset = NuscenesDataset(tmp_path / 'copy', VERSION, 'check')
    shutil.rmtree(tmp_path / 'copy' / 'gts')
    next((tmp_path / 'copy' / 'samples' / 'CAM_BACK').glob('scene-0002*')).write_bytes(b'x')
    sweep = next((tmp_path / 'copy' / 'samples' / 'LIDAR_TOP').glob('scene-0002*'))
    sweep.write_bytes(sweep.read_bytes()[:-4])
    with pytest.raises(InvalidLabelError, match='labels.npz'):
        dataset.label(dataset.keys[0])
    with pytest.raises(InvalidImageError, match='CAM_BACK.*neither JPEG nor PNG'):
        [dataset.frame(key) for key in dataset.keys]
    with pytest.raises(InvalidDatasetError, match='no sweep'):
        [dataset.lidar_points_m(key) for key in dataset.keys]


def test_damaged_and_swollen_labels_are_named(made_dataroot, tmp_path):
    label = next((made_dataroot / 'gts').rglob('labels.npz')).read_bytes()
    path, refused = tmp_path / 'labels.npz', 0
    for place in range(0, len(label), len(label) // 60):
        path.write_bytes(label[:place] + bytes([label[place] ^ 0x55]) + label[place + 1:])
        try:
            load_label(path)
        except InvalidLabelError:
            refused += 1
    assert refused > 30  # the others hit names and dates
    np.savez_compressed(path, semantics=np.zeros(20_000_000, np.uint8), mask_lidar=0,
                        mask_camera=0)
    with pytest.raises(InvalidLabelError, match='unpacks to 2000[0-9]{4} bytes'):
        load_label(path)


@pytest.mark.parametrize('header', [
    '  x\n y\n', "{1: 2, 'a': 3}",
    "{'descr': '|u1', 'fortran_order': False, 'shape': (1180591620717411303424,)}", None])
def test_labels_with_made_up_headers_are_named(header, tmp_path):
    data = b'' if header is None else (
        b'\x93NUMPY\x01\x00' + len(header).to_bytes(2, 'little') + header.encode())
    with zipfile.ZipFile(tmp_path / 'labels.npz', 'w') as archive:
        for name in ('semantics', 'mask_lidar', 'mask_camera'):
            archive.writestr(f'{name}.npy', data)
    with pytest.raises(InvalidLabelError, match='labels.npz'):
        load_label(tmp_path / 'labels.npz')


def test_an_empty_scene_and_a_split_of_unwritten_scenes_are_refused(small_rig, tmp_path):
    writer = SceneWriter(tmp_path, VERSION, SceneDescription(
        'scene-1', '', small_rig, np.eye(4), 'made', 'nowhere'))
    with pytest.raises(UsageError, match='no samples'):
        writer.close()
    with pytest.raises(UsageError, match='0 scenes'):
        assemble_dataroot(tmp_path, VERSION, {})
    writer.write_sample(made_sample(small_rig, 0))
    writer.close()
    with pytest.raises(UsageError, match='scene-2'):
        assemble_dataroot(tmp_path, VERSION, {'a': ['scene-2']})


@pytest.mark.data
def test_real_boxes_hold_as_many_lidar_points_as_is_noted(real_dataset, real_keyframe):
    _, _, stored = real_keyframe
    key = real_dataset.keys[0]
    boxes, frame = real_dataset.boxes(key), real_dataset.frame(key)
    ego_from_world = np.linalg.inv(frame.fixed_from_ego[frame.rig.key_camera])
    points_m = real_dataset.lidar_points_m(key) @ ego_from_world[:3, :3].T + ego_from_world[:3, 3]
    close = 0
    for center, size, yaw, entry in zip(boxes.centers_m, boxes.sizes_m, boxes.yaws_rad, stored):
        turn = np.array([[np.cos(yaw), np.sin(yaw), 0], [-np.sin(yaw), np.cos(yaw), 0], [0, 0, 1]])
        local_m = (points_m - center) @ turn.T
        inside = (np.abs(local_m) <= size / 2).all(axis=1).sum()
        close += abs(int(inside) - entry['num_lidar_pts']) <= 3
    assert len(boxes) == len(stored) == 37
    assert close >= 36


@pytest.mark.data
@pytest.mark.filterwarnings('ignore::ResourceWarning',  # the devkit leaves its images open
                            'ignore::pytest.PytestUnraisableExceptionWarning')
def test_real_lidar_points_project_as_the_devkit_projects_them(real_dataset):
    from nuscenes.nuscenes import NuScenesExplorer
    key = real_dataset.keys[0]
    frame, points_m = real_dataset.frame(key), real_dataset.lidar_points_m(key)
    data = real_dataset.tables.get('sample', key.token)['data']
    explorer = NuScenesExplorer(real_dataset.tables)
    for name in frame.rig.names:
        pixels, depths_m, _ = explorer.map_pointcloud_to_image(data['LIDAR_TOP'], data[name])
        camera = frame.rig[name]
        camera_from_world = np.linalg.inv(frame.fixed_from_ego[name] @ camera.ego_from_camera)
        local = points_m @ camera_from_world[:3, :3].T + camera_from_world[:3, 3]
        ahead = local[local[:, 2] > 1.0]
        ours = ahead @ camera.intrinsics.T
        ours = ours[:, :2] / ours[:, 2:]
        inside = ((ours > 1) & (ours < (camera.width_px - 1, camera.height_px - 1))).all(axis=1)
        assert len(depths_m) == inside.sum() > 1000
        assert np.allclose(np.sort(depths_m), np.sort(ahead[inside, 2]), atol=1e-3)
        assert np.allclose(np.sort(pixels[0]), np.sort(ours[inside, 0]), atol=0.05)
    gc.collect()


@pytest.mark.data
def test_real_annotations_keep_their_place_over_a_scene(data_folder, small_rig, tmp_path):
    infos = json.loads((data_folder / 'nuscenes_mini_scene0103_infos/infos.json').read_text())
    writer = SceneWriter(tmp_path, 'v1.0-mini', SceneDescription(
        'scene-0103', '', small_rig, np.eye(4), 'n008', 'here'))
    for sample in infos['samples']:
        writer.write_sample(sample_of(sample, small_rig))
    writer.close()
    assemble_dataroot(tmp_path, 'v1.0-mini', {})
    dataset = NuscenesDataset(tmp_path, 'v1.0-mini', 'mini_val')
    assert len(dataset) == 40
    num_boxes = 0
    for key, sample in zip(dataset.keys, infos['samples']):
        boxes = dataset.boxes(key)
        key_ego = pose_from_wxyz(sample['cameras']['CAM_FRONT_LEFT']['ego_translation_global'],
                            sample['cameras']['CAM_FRONT_LEFT']['ego_rotation_global_wxyz'])
        moved = np.linalg.inv(key_ego) @ pose_from_wxyz(sample['ego_translation_global'],
                                                   sample['ego_rotation_global_wxyz'])
        stored = np.array([entry['box'][:3] for entry in known(sample)]).reshape(-1, 3)
        assert np.allclose(boxes.centers_m, stored @ moved[:3, :3].T + moved[:3, 3], atol=1e-3)
        num_boxes += len(boxes)
    assert num_boxes == sum(len(known(sample)) for sample in infos['samples']) > 1500


def known(sample):
    from bdc_occ_ros.classes import DETECTION_CLASS_NAMES
    return [entry for entry in sample['boxes'] if entry['class'] in DETECTION_CLASS_NAMES]


def sample_of(sample, rig):
    """Return the record of a real sample, without its images."""
    ego = pose_from_wxyz(sample['ego_translation_global'], sample['ego_rotation_global_wxyz'])
    images = {name: SensorReading(entry['timestamp_us'], b'', pose_from_wxyz(
        entry['ego_translation_global'], entry['ego_rotation_global_wxyz']))
        for name, entry in sample['cameras'].items() if name in rig.names}
    annotations = []
    for number, entry in enumerate(known(sample)):
        x, y, z, length, width, height, yaw = entry['box'][:7]
        pose = ego @ pose_from_wxyz((x, y, z), (np.cos(yaw / 2), 0.0, 0.0, np.sin(yaw / 2)))
        annotations.append(Annotation(str(number), entry['class'], pose, (length, width, height),
                                      0.0, entry['num_lidar_pts']))
    sweep = SensorReading(sample['timestamp_us'], np.zeros((1, 5), np.float32), ego)
    return SampleRecord(sample['timestamp_us'], images, sweep, annotations)
