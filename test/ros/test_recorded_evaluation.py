# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""What the node's own messages say, recorded, scored against a data set."""

from dataclasses import replace
import json

from made_scenes import CAR_SPEED_MPS, VERSION
import numpy as np
import pytest
from rclpy.serialization import serialize_message

from bdc_occ_ros.bags.bag_file import BagFile, qos
from bdc_occ_ros.bags.recording import load_recording
from bdc_occ_ros.classes import FREE_LABEL, OCCUPANCY_CLASS_NAMES
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.dataset.nuscenes_dataset import NuscenesDataset
from bdc_occ_ros.datatypes import Occupancy
from bdc_occ_ros.geometry.voxel_grid import VoxelGrid
from bdc_occ_ros.ros.boxes_to_messages import boxes_to_detections, boxes_to_markers
from bdc_occ_ros.ros.conversions import make_header
from bdc_occ_ros.ros.occupancy_to_messages import occupancy_to_cloud

pytest.importorskip('nuscenes', reason='nuscenes-devkit is not installed')
TYPES = {'/car/occupancy': 'sensor_msgs/msg/PointCloud2',
         '/car/detections': 'vision_msgs/msg/Detection3DArray',
         '/car/detections/markers': 'visualization_msgs/msg/MarkerArray'}
GROUND_IOU = 99.5  # of 200 rows of the label, the farthest lies beyond the grid of the node


@pytest.fixture(scope='module')
def dataset(made_dataroot):
    return NuscenesDataset(made_dataroot, VERSION, 'check')


def as_the_key_camera_saw_it(labels):
    """Return a label of the sweep, 0.34 m farther ahead, one cell ahead; the ground goes on."""
    return np.concatenate([labels[:1], labels[:-1]])


def record(path, dataset, keys, has_markers=True, spoil=lambda labels: labels, shift_ns=0,
           move=as_the_key_camera_saw_it):
    """Write what the node publishes when it knows the truth of these samples."""
    with BagFile(path) as bag:
        for topic, kind in TYPES.items():
            bag.connect(topic, kind, qos(1))
        for key in keys:
            stamp_ns = dataset.key_exposure(key)[0] + shift_ns
            header, labels = make_header(stamp_ns, 'base_link'), dataset.label(key).semantics
            occupancy = Occupancy(VoxelGrid(), spoil(move(labels)), np.ones(labels.shape, bool),
                                  OCCUPANCY_CLASS_NAMES, FREE_LABEL, stamp_ns)
            boxes = dataset.boxes(key)
            messages = {'/car/occupancy': occupancy_to_cloud(occupancy, header)[0],
                        '/car/detections': boxes_to_detections(boxes, header)}
            if has_markers:
                messages['/car/detections/markers'] = boxes_to_markers(boxes, header)
            for topic, message in messages.items():
                bag.write_bytes(topic, stamp_ns + 9, serialize_message(message))
    return path


def evaluate(bag, dataroot, *more):
    return main(['evaluate', '--dataroot', str(dataroot), '--version', VERSION, '--split',
                 'check', '--bag', str(bag), *more])


def test_the_truth_in_the_node_s_messages_misses_only_beyond_its_grid(dataset, made_dataroot,
                                                                       tmp_path, capsys):
    bag = record(tmp_path / 'bag', dataset, dataset.keys, shift_ns=900)  # a rounded stamp
    assert evaluate(bag, made_dataroot, '--json', '--samples', '1') == 0
    assert json.loads(capsys.readouterr().out)['rayiou'] > 99.9
    assert evaluate(bag, made_dataroot, '--json', '--no-rays') == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores['miou'] == pytest.approx((100.0 + GROUND_IOU) / 2) and 'rayiou' not in scores
    assert scores['per_class']['car'] == 100.0 and scores['per_class']['bus'] is None
    assert scores['AP']['car'] == pytest.approx(1.0) and scores['mAP'] == pytest.approx(0.2)
    assert scores['errors']['trans_err'] == pytest.approx(0.8, abs=1e-3)  # 8 classes are absent
    assert scores['samples'] == 4 and scores['unmatched_samples'] == []
    assert scores['has_velocities'] and scores['scenes'] == ['scene-0002']


def test_voxels_recorded_in_the_frame_of_the_label_miss_the_car(dataset, made_dataroot, tmp_path,
                                                               capsys):
    bag = record(tmp_path / 'bag', dataset, dataset.keys, move=np.copy)
    assert evaluate(bag, made_dataroot, '--json', '--no-rays') == 0
    scores = json.loads(capsys.readouterr().out)
    assert scores['per_class']['car'] == 0.0 and scores['miou'] == pytest.approx(GROUND_IOU / 2)


def test_samples_without_a_result_are_named_and_what_is_wrong_counts(dataset, made_dataroot,
                                                                     tmp_path, capsys):
    def forget_the_car(labels):
        labels[labels == 4] = FREE_LABEL
        return labels

    first, *_, last = dataset.keys
    bag = record(tmp_path / 'bag', dataset, [first, last], has_markers=False,
                 spoil=forget_the_car)
    assert evaluate(bag, made_dataroot, '--no-rays', '--pictures', str(tmp_path / 'worst'),
                    '--worst', '1', '-o', str(tmp_path / 'scores.json')) == 0
    text = capsys.readouterr().out
    missing = [f'scene-0002/{key.token}' for key in dataset.keys[1:3]]
    assert f'2 samples without a result: {", ".join(missing)}\n' in text
    assert 'NDS takes every object as standing' in text
    scores = json.loads((tmp_path / 'scores.json').read_text())
    assert scores['samples'] == 2 and scores['unmatched_samples'] == missing
    assert scores['per_class']['car'] == 0.0 and scores['miou'] == pytest.approx(GROUND_IOU / 2)
    assert scores['errors']['vel_err'] > 0.3 and not scores['has_velocities']
    assert len(list((tmp_path / 'worst').glob('*.png'))) == 1


def test_velocities_come_from_the_markers_and_only_if_they_fit(dataset, tmp_path):
    bag = record(tmp_path / 'bag', dataset, dataset.keys[:1])
    boxes, = load_recording(bag).boxes.values()
    true = dataset.boxes(dataset.keys[0])
    assert np.allclose(boxes.velocities_mps, np.round(true.velocities_mps, 3), atol=1e-2)
    assert np.linalg.norm(boxes.velocities_mps[0]) == pytest.approx(CAR_SPEED_MPS, abs=0.01)
    one = replace(true, **{name: getattr(true, name)[:1] for name in (
        'centers_m', 'sizes_m', 'yaws_rad', 'velocities_mps', 'scores', 'labels')})
    header = make_header(true.stamp_ns, 'base_link')
    with BagFile(tmp_path / 'other') as file:
        for topic, kind in TYPES.items():
            file.connect(topic, kind, qos(1))
        for topic, message in (('/car/detections', boxes_to_detections(true, header)),
                               ('/car/detections/markers', boxes_to_markers(one, header))):
            file.write_bytes(topic, 1, serialize_message(message))
    assert not load_recording(tmp_path / 'other').has_velocities


def test_a_recording_of_another_time_is_refused(dataset, made_dataroot, tmp_path, capsys):
    bag = record(tmp_path / 'bag', dataset, dataset.keys[:1], shift_ns=200_000_000)
    assert evaluate(bag, made_dataroot, '--no-rays') == 2
    assert 'none of them that of a sample of check' in capsys.readouterr().err
