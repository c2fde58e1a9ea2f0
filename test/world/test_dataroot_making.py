# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A made data set loads in nuscenes-devkit, reads back, and fits to the pixel."""

import gc
import json
import shutil

import cv2
import numpy as np
import pytest
import torch

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.world.keyframes import KeyframeBatch
from bdc_occ_ros.world.rendering import cast_depth, View
from bdc_occ_ros.world.scene import Scene
from bdc_occ_ros.world.sensor_timing import published_rigs, SensorTiming

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')
SEED, WIDTH, HEIGHT = 4, 320, 180
ARGUMENTS = ['--seeds', f'{SEED}-{SEED + 1}', '--keyframes-per-scene', '2', '--width', str(WIDTH),
             '--sweeps', '1', '--json']


def files_of(folder):
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob('*'))
            if path.is_file()}


@pytest.fixture(scope='module')
def dataroot(tmp_path_factory):
    folder = tmp_path_factory.mktemp('world') / 'dataroot'
    assert main(['world', 'make', str(folder), *ARGUMENTS]) == 0
    return folder


@pytest.fixture(scope='module')
def dataset(dataroot):
    return NuscenesDataset(dataroot, 'v1.0-made', 'made_train')


@pytest.fixture(scope='module')
def timing():
    rigs = published_rigs()
    return SensorTiming(Scene.from_seed(SEED), rigs[SEED % len(rigs)], 0.5)


def test_splits_and_samples_are_as_asked(dataroot, dataset):
    assert len(dataset) == 2 and len(NuscenesDataset(dataroot, 'v1.0-made', 'made_val')) == 2
    stamps = [dataset.tables.get('sample', key.token)['timestamp'] for key in dataset.keys]
    assert stamps[1] - stamps[0] == 500_000
    sample = dataset.tables.get('sample', dataset.keys[0].token)
    sweep = dataset.tables.get('sample_data', dataset.tables.get(
        'sample_data', sample['data']['CAM_BACK'])['next'])
    assert not sweep['is_key_frame'] and sweep['filename'].startswith('sweeps/CAM_BACK/')
    assert sweep['timestamp'] - stamps[0] == 50_000 - 43_100 + 32_700


def test_frames_and_labels_read_back_as_they_were_made(dataset, timing):
    key = dataset.keys[1]
    frame, label = dataset.frame(key), dataset.label(key)
    for camera, pose in zip(timing.rig.cameras, timing.world_from_cameras):
        assert frame.images[camera.name].shape == (HEIGHT, WIDTH, 3)
        assert np.allclose(frame.fixed_from_ego[camera.name]
                           @ frame.rig[camera.name].ego_from_camera, pose, atol=1e-6)
    truth = KeyframeBatch.of([timing], torch.device('cpu')).truth(
        timing.world_from_lidar_ego[None])
    assert (label.semantics == truth.classes[0].numpy()).all()
    assert (label.mask_camera == truth.observed[0].numpy()).mean() > 0.999
    assert 0.01 < label.mask_lidar.mean() < 0.3


def test_points_lie_on_occupied_voxels(dataset):
    key = dataset.keys[0]
    points_m = dataset.lidar_points_m(key)
    pose = np.linalg.inv(dataset.world_from_ego(key, 'LIDAR_TOP'))
    index = np.floor((points_m @ pose[:3, :3].T + pose[:3, 3] + (40, 40, 1)) / 0.4).astype(int)
    index = index[((index >= 1) & (index < (199, 199, 15))).all(axis=1)]
    occupied = dataset.label(key).semantics != 17
    near = np.zeros(len(index), bool)
    for step in np.stack(np.meshgrid(*[(-1, 0, 1)] * 3), -1).reshape(-1, 3):
        near |= occupied[tuple((index + step).T)]
    assert len(index) > 5000 and near.mean() > 0.99


def test_boxes_fit_the_rendered_objects_to_the_pixel(dataset, timing):
    """All pixels of an object lie in the outline of its box, and reach its sides."""
    checked, gaps = zip(*(fits_of(dataset, number, timing) for number in (0, 1)))
    assert sum(checked) >= 3 and sum(gaps) <= sum(checked) // 3


def fits_of(dataset, sample, other):
    """Check the boxes of a sample; return how many stand alone, and how many leave a gap."""
    timing = SensorTiming(other.scene, other.rig, 0.5 * sample)
    state = timing.scene.state_at(timing.lidar_time_s)
    data = dataset.tables.get('sample', dataset.keys[sample].token)['data']
    instance_of = np.append(state.solids.instance.numpy(), (-1, -1))
    checked = gaps = 0
    for camera, pose in zip(timing.rig.cameras, timing.world_from_cameras):
        _, boxes, intrinsics = dataset.tables.get_sample_data(data[camera.name])
        solid = cast_depth([View(state, intrinsics, pose, HEIGHT, WIDTH)], 'cpu').solid[0]
        instances = instance_of[solid.numpy()]
        for box in boxes:
            number = instance_number(dataset, box.token, timing)
            rows, columns = np.nonzero(instances == number)
            if len(rows) < 20 or box.corners()[2].min() < 1.0:
                continue
            outline = intrinsics @ box.corners()
            outline = (outline[:2] / outline[2]).T.astype(np.float32)
            hull = cv2.convexHull(outline)
            outside_px = max(-cv2.pointPolygonTest(hull, (float(x) + 0.5, float(y) + 0.5), True)
                             for x, y in zip(columns, rows))
            assert outside_px <= 0.75, (camera.name, box.name, outside_px)
            if alone(instances, number, outline):
                (left, _), (_, bottom) = outline.min(axis=0), outline.max(axis=0)
                gaps += (rows.max() + 1 < bottom - 2.5
                         or columns.min() > left + 2.5 + 0.1 * np.ptp(outline[:, 0]))
                checked += 1
    return checked, gaps


def instance_number(dataset, annotation, timing):
    """Return which object an annotation is about, from where it is."""
    place = dataset.tables.get('sample_annotation', annotation)['translation']
    return min(timing.scene.objects_at(timing.lidar_time_s),
               key=lambda item: np.linalg.norm(item.world_from_box[:3, 3] - place)).instance


def alone(instances, number, outline):
    """Return whether nothing else with a box and no end of the image is near an object."""
    (left, top), (right, bottom) = outline.min(axis=0) - 2, outline.max(axis=0) + 2
    if left < 0 or top < 0 or right >= WIDTH or bottom >= HEIGHT:
        return False
    around = instances[int(top):int(bottom) + 1, int(left):int(right) + 1]
    return np.isin(around, (number, -1)).all()


@pytest.mark.filterwarnings('ignore::ResourceWarning',  # the devkit leaves its images open
                            'ignore::pytest.PytestUnraisableExceptionWarning',
                            'ignore::DeprecationWarning')
def test_the_devkit_draws_it_without_a_patch(dataset, tmp_path):
    import matplotlib
    matplotlib.use('Agg')
    from matplotlib import pyplot
    sample = dataset.tables.sample[0]
    assert dataset.tables.map[0]['mask'].mask().size > 0
    for channel in ('CAM_FRONT', 'LIDAR_TOP'):
        dataset.tables.render_sample_data(
            sample['data'][channel], out_path=str(tmp_path / f'{channel}.png'), verbose=False,
            underlay_map=True)
    pyplot.close('all')
    for channel in ('CAM_FRONT', 'LIDAR_TOP'):
        picture = cv2.imread(str(tmp_path / f'{channel}.png'))
        assert picture is not None and picture.std() > 10
    gc.collect()


def test_an_interrupted_data_set_goes_on_and_ends_with_the_same_bytes(dataroot, tmp_path, capsys):
    whole, copy = files_of(dataroot), tmp_path / 'copy'
    shutil.copytree(dataroot, copy)
    (copy / 'v1.0-made' / 'scenes' / f'scene-{SEED:04d}.json').unlink()
    torn = next((copy / 'samples' / 'CAM_FRONT').glob(f'scene-{SEED:04d}*'))
    torn.write_bytes(b'torn')
    kept = next((copy / 'samples' / 'CAM_FRONT').glob(f'scene-{SEED + 1:04d}*'))
    kept_at = kept.stat().st_mtime_ns
    assert main(['world', 'make', str(copy), *ARGUMENTS, '--jobs', '2']) == 0
    assert '"made": 1,' in capsys.readouterr().out
    assert kept.stat().st_mtime_ns == kept_at
    again = files_of(copy)
    assert again.keys() == whole.keys()
    assert [name for name in whole if again[name] != whole[name]] == []


def test_a_data_set_of_another_version_of_the_world_is_not_continued(dataroot, tmp_path, capsys):
    copy = tmp_path / 'copy'
    (copy / 'v1.0-made').mkdir(parents=True)
    settings = json.loads((dataroot / 'v1.0-made' / 'world.json').read_text())
    (copy / 'v1.0-made' / 'world.json').write_text(json.dumps({**settings, 'world': 'older'}))
    assert main(['world', 'make', str(copy), *ARGUMENTS]) == 2
    assert "'world': 'older'" in capsys.readouterr().err


def test_other_settings_and_impossible_numbers_are_refused(dataroot, capsys):
    assert main(['world', 'make', str(dataroot), *ARGUMENTS, '--width', '400']) == 2
    assert 'was begun with' in capsys.readouterr().err
    assert main(['world', 'make', str(dataroot), *ARGUMENTS, '--keyframes-per-scene', '41']) == 2
    assert '1 to 40 keyframes' in capsys.readouterr().err
