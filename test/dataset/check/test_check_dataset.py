# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""A sound data set passes; whatever is broken in a copy of it is found and named."""

import json
import shutil

import cv2
from made_scenes import VERSION
import numpy as np
import pytest

from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.dataset.check.check_dataset import check_dataset
from bdc_occ_ros.dataset.check.files import share_of_sweeps
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.dataset.occ3d_label import load_label, save_label

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')


@pytest.fixture
def copy(plain_dataroot, tmp_path):
    shutil.copytree(plain_dataroot, tmp_path / 'copy')
    return tmp_path / 'copy'


def issues(dataroot):
    return check_dataset(dataroot, VERSION, None, 100).issues


def change_rows(dataroot, table, change):
    """Write a table again, every row as a function returns it, without those that are None."""
    path = dataroot / VERSION / f'{table}.json'
    rows = [change(place, row) for place, row in enumerate(json.loads(path.read_text()))]
    path.write_text(json.dumps([row for row in rows if row is not None]))


def change_labels(dataroot, change):
    """Write every label again; its arrays are changed in place."""
    for path in dataroot.glob('gts/*/*/labels.npz'):
        label = load_label(path)
        change(label)
        save_label(path, label)


def test_a_sound_data_set_passes_and_is_drawn(plain_dataroot, tmp_path, capsys):
    picture = tmp_path / 'check.png'
    assert main(['check-data', str(plain_dataroot), '-o', str(picture)]) == 0
    text = capsys.readouterr().out
    assert 'no mistakes found' in text and '3 samples, 3 of them opened' in text
    assert 'driveable_surface' in text
    assert cv2.imread(str(picture)).shape[1] == 2400


def test_the_report_says_what_was_counted(plain_dataroot, capsys):
    assert main(['check-data', str(plain_dataroot), '--samples', '2', '--json']) == 0
    report = json.loads(capsys.readouterr().out)
    assert report['samples'] == 3 and report['opened'] == 2 and report['findings'] == []
    assert report['figures'] == {
        'occupied_voxels_in_boxes_of_their_class': pytest.approx(1, abs=0.2),
        'lidar_points_on_occupied_voxels': pytest.approx(1, abs=0.01),
        'boxes_with_the_noted_number_of_lidar_points': 1.0, 'sweeps_that_are_there': None}
    shares = report['class_shares']
    assert shares['driveable_surface'] > shares['truck'] > 0 == shares['bicycle']
    assert sum(share for name, share in shares.items() if name != 'free') == pytest.approx(1)


def test_sweeps_that_are_there_are_counted(copy):
    taken = []

    def as_sweep(place, row):
        if '/CAM_FRONT/' in row['filename']:
            taken.append(copy / row['filename'])
            return row | {'is_key_frame': False}
        return row

    change_rows(copy, 'sample_data', as_sweep)
    taken[0].unlink()
    share = share_of_sweeps(NuscenesDataset(copy, VERSION, None))
    assert share == (len(taken) - 1) / len(taken)


def test_rows_that_name_no_row_are_found(copy, capsys):
    change_rows(copy, 'ego_pose', lambda place, row: row if place else None)
    change_rows(copy, 'sample', lambda place, row: row | {'next': 'x'} if place == 1 else row)
    found = issues(copy)
    assert all(issue.check == 'tables' and 'unpack' in issue.cure for issue in found)
    assert any('sample_data.json' in f.where and 'ego_pose_token' in f.problem for f in found)
    assert any('sample.json' in f.where and 'next x' in f.problem for f in found)
    assert any('scene.json' in f.where and 'has 2 samples' in f.problem for f in found)
    assert main(['check-data', str(copy)]) == 1
    assert 'unusable tables' in capsys.readouterr().out


def test_a_table_that_is_missing_or_no_table_is_found(copy):
    (copy / VERSION / 'instance.json').unlink()
    (copy / VERSION / 'sensor.json').write_text('{"token": 3}')
    (copy / VERSION / 'log.json').write_text('[')
    where = {issue.where.rpartition('/')[2]: issue.problem for issue in issues(copy)}
    assert 'No such file' in where['instance.json'] and 'not JSON' in where['log.json']
    assert 'no list of rows' in where['sensor.json']


@pytest.mark.parametrize('table, change, words', [
    ('sensor', {'token': ['a']}, 'token is text'),
    ('scene', {'first_sample_token': {}}, 'first_sample_token is text'),
    ('sample', {'next': ['a']}, 'next is text'), ('sample', {'prev': None}, 'prev is text'),
    ('sample_data', {'timestamp': '1'}, 'timestamp is whole'),
    ('sample_data', {'width': None}, 'width is whole'),
    ('sample_annotation', {'num_lidar_pts': '3'}, "num_lidar_pts is whole; got '3'"),
    ('calibrated_sensor', {'camera_intrinsic': [[1.0, 0.0, 2.0], [0.0]]}, '3 rows of 3'),
    ('sample_data', {'filename': 3}, 'filename is text; got 3'),
    ('ego_pose', {'translation': [1.0, 2.0, float('nan')]}, 'NaN is no number of JSON'),
    ('sample_annotation', {'size': [1.0, 2.0]}, 'size is 3 finite numbers; got [1.0, 2.0]'),
    ('sample_annotation', {'instance_token': 3}, 'instance_token is text; got 3')])
def test_rows_of_other_kinds_are_found(copy, table, change, words):
    change_rows(copy, table, lambda place, row: row | change)
    found = [f for f in issues(copy) if f.where.endswith(f'/{table}.json')]
    assert len(found) == 1 and words in found[0].problem


def test_tables_that_are_nested_without_end_are_found(copy):
    (copy / VERSION / 'sensor.json').write_text(100_000 * '[')
    found = issues(copy)
    assert any('sensor.json' in f.where and 'not JSON' in f.problem for f in found)


def test_a_data_set_without_labels_is_one_finding(copy):
    shutil.rmtree(copy / 'gts')
    found = issues(copy)
    assert [(f.check, f.where) for f in found] == [('labels', str(copy / 'gts'))]


def test_files_that_are_missing_cut_or_of_another_size_are_found(copy):
    first, second, third = sorted((copy / 'samples/CAM_BACK').iterdir())
    first.unlink()
    second.write_bytes(second.read_bytes()[:-300])
    cv2.imwrite(str(third), np.zeros((90, 80, 3), np.uint8))
    sweep, flat, _ = sorted((copy / 'samples/LIDAR_TOP').iterdir())
    sweep.write_bytes(sweep.read_bytes()[:-4])
    flat.write_bytes(np.full(10, np.nan, np.float32).tobytes())
    next(copy.glob('gts/*/*/labels.npz')).unlink()
    found = [f'{issue.where} {issue.problem}' for issue in issues(copy)]
    for name, words in ((first.name, 'is missing'), (second.name, 'ends before'),
                        ('sample', '(90, 160, 3) uint8; got (90, 80, 3)'),
                        ('LiDAR sweep', 'no sweep of 5'),
                        ('LiDAR sweep', 'not all of them finite'),
                        ('labels.npz', 'is missing')):
        assert any(name in text and words in text for text in found), (words, found)


@pytest.mark.parametrize('change, words', [
    (lambda row: {'camera_intrinsic': (np.array(row['camera_intrinsic']) * 10).tolist()[:2]
                  + [[0, 0, 1]]}, 'focal lengths'),
    (lambda row: {'translation': [1000 * v for v in row['translation']]}, 'mounted at'),
    (lambda row: {'rotation': np.roll(row['rotation'], -1).tolist()}, 'looks'),
    (lambda row: {'rotation': [1.0, 1.0, 0, 0]}, 'unit quaternion'),
])
def test_cameras_that_cannot_be_are_found(copy, change, words):
    change_rows(copy, 'calibrated_sensor', lambda place, row: row | (
        change(row) if place == 0 else {}))
    found = [f for f in issues(copy) if f.check == 'calibration']
    assert any(words in issue.problem and 'CAM_FRONT' in issue.where for issue in found)


def test_cameras_that_were_exchanged_are_found(copy):
    rows = json.loads((copy / VERSION / 'calibrated_sensor.json').read_text())
    rotations = [row['rotation'] for row in rows]
    change_rows(copy, 'calibrated_sensor', lambda place, row: row | {
        'rotation': rotations[2 - place] if place in (0, 2) else row['rotation']})
    found = [f for f in issues(copy) if f.check == 'calibration']
    assert len(found) == 2 and all('degrees to the left' in f.problem for f in found)


def test_jumps_of_the_vehicle_are_found(copy):
    change_rows(copy, 'ego_pose', lambda place, row: row | {
        'translation': [row['translation'][0] + 30, *row['translation'][1:]]} if place == 9
        else row)
    found = [f for f in issues(copy) if f.check == 'poses']
    assert len(found) == 2 and '30.' in found[0].problem  # there and back


@pytest.mark.parametrize('change, words', [
    (lambda label: label.semantics.__setitem__(slice(None), label.semantics[:, ::-1].copy()),
     'with left and right exchanged it is'),
    (lambda label: label.semantics.__setitem__(slice(None), label.semantics[::-1].copy()),
     'with front and rear exchanged it is'),
    (lambda label: label.semantics.__setitem__(slice(None),
                                               label.semantics.swapaxes(0, 1).copy()),
     'with x and y exchanged it is'),
    (lambda label: label.mask_camera.fill(True), 'observes 100.0%'),
    (lambda label: label.mask_camera.fill(False), 'no observed voxel is occupied'),
    (lambda label: label.semantics.fill(17), 'no observed voxel is occupied'),
    (lambda label: np.copyto(label.mask_camera, np.pad(
        np.ones((10, 10, 16), bool), ((95, 95), (95, 95), (0, 0)))), 'in the view of a camera'),
])
def test_labels_that_do_not_fit_are_found(copy, change, words):
    change_labels(copy, change)
    assert any(words in issue.problem for issue in issues(copy))


def test_labels_that_cannot_be_read_are_found(copy):
    next(copy.glob('gts/*/*/labels.npz')).write_bytes(b'PK nonsense')
    found = [f for f in issues(copy) if f.check == 'labels']
    assert len(found) == 1 and 'damaged' in found[0].problem


def test_lidar_in_another_frame_is_found(copy):
    rows = json.loads((copy / VERSION / 'calibrated_sensor.json').read_text())
    change_rows(copy, 'calibrated_sensor', lambda place, row: row | {
        'translation': [0.9, 0, 3.8]} if place == len(rows) - 1 else row)
    found = [f.problem for f in issues(copy)]
    assert any('lie on or beside occupied' in problem for problem in found)
    assert any('num_lidar_pts' in problem for problem in found)


def test_usage_is_explained(plain_dataroot, tmp_path, capsys):
    assert main(['check-data', str(tmp_path)]) == 2
    assert 'one version of a data set' in capsys.readouterr().err
    assert main(['check-data', str(plain_dataroot), '--split', 'none']) == 2
    assert 'is none of nuScenes' in capsys.readouterr().err
