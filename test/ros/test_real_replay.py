# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Real keyframes through a bag into the running node; nothing here needs trained weights."""

import numpy as np
import pytest
from replay import replay
import yaml

from bdc_occ_ros.bags import CALIBRATION_FILE
from bdc_occ_ros.bags.keyframe import load_keyframe, write_keyframe_bag
from bdc_occ_ros.ros.conversions import to_nanoseconds
from bdc_occ_ros.share import share_path

pytestmark = pytest.mark.data
RELIABLE = {'input_qos': 'reliable'}  # each image comes once


def rig_parameters(keyframe, path):
    """Write what another rig needs: names and topics."""
    names = keyframe.rig.names
    parameters = {'cameras': list(names), 'key_camera': keyframe.rig.key_camera,
                  'sync': {'offsets': 'none'},
                  'camera': {name: {'compressed': f'camera/{name}/image/compressed',
                                    'info': f'camera/{name}/camera_info', 'frame': name}
                             for name in names}}
    path.write_text(yaml.safe_dump({'/**': {'ros__parameters': parameters}}))
    return path


def stamps_ns(clouds):
    return [to_nanoseconds(cloud.header.stamp) for cloud in clouds]


def results_of(bag, files, parameters, log):
    """Play a bag into a node of its own; return its clouds and diagnostics."""
    with replay(bag, log, parameters | RELIABLE, files) as played:
        return played.clouds, played.watch.parts


@pytest.mark.parametrize('folder, calibration', [
    ('nuscenes_full_scene0003', 'tf'),
    ('nuscenes_surround_dev/n008-2018-07-26_1532621953112404', 'file'),
])
def test_nuscenes_keyframe_replays_into_the_node(folder, calibration, data_folder, tiny_model,
                                                 tmp_path):
    keyframe = load_keyframe(data_folder / folder)
    bag = tmp_path / 'bag'
    write_keyframe_bag(bag, keyframe, calibration=calibration)
    parameters = {'model.name': tiny_model}
    if calibration == 'file':
        parameters['calibration_file'] = bag / CALIBRATION_FILE
    files = [share_path('config', name) for name in ('occ.yaml', 'dataset_nuscenes.yaml')]
    clouds, parts = results_of(bag, files, parameters, tmp_path / 'log')
    assert stamps_ns(clouds) == [keyframe.stamps_ns['CAM_FRONT_LEFT']]
    assert clouds[0].header.frame_id == 'base_link'
    assert {field.name for field in clouds[0].fields} >= {'x', 'y', 'z', 'rgb', 'label'}
    assert parts['synchronizer']['complete'] == '1' and parts['synchronizer']['partial'] == '0'
    compensated = int(parts['ego motion']['compensated'])
    assert compensated == (0 if keyframe.fixed_from_ego is None else 1)
    for name in keyframe.rig.names:
        assert parts[f'camera {name}']['refused'] == '0'


def test_three_camera_rig_runs_with_only_a_config(data_folder, tiny_model, tmp_path):
    keyframe = load_keyframe(data_folder / 'dgp_rig_3cam')
    assert len(keyframe.rig.names) == 3
    write_keyframe_bag(tmp_path / 'bag', keyframe)
    files = [share_path('config', 'occ.yaml'), rig_parameters(keyframe, tmp_path / 'rig.yaml')]
    clouds, parts = results_of(tmp_path / 'bag', files, {'model.name': tiny_model},
                               tmp_path / 'log')
    assert stamps_ns(clouds) == [keyframe.stamps_ns[keyframe.rig.key_camera]]
    assert clouds[0].header.frame_id == 'base_link'
    assert {part for part in parts if part.startswith('camera ')} == {
        f'camera {name}' for name in keyframe.rig.names}
    assert parts['synchronizer']['complete'] == '1', parts
    assert np.isfinite(np.frombuffer(clouds[0].data, np.float32)).all()
