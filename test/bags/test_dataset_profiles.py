# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Which dataset profile fits which topics."""

import json
from pathlib import Path

import pytest

from bdc_occ_ros.bags.bag_summary import summarize_bag
from bdc_occ_ros.bags.dataset_profiles import dataset_files, match_dataset, parameter_files
from bdc_occ_ros.bags.formats import CONVERTER_FORMATS
from bdc_occ_ros.bags.rig_bag import RecordedReading, RigBagWriter
from bdc_occ_ros.bags.scene_bag import encode_jpeg
from bdc_occ_ros.errors import InvalidConfigError, NoDatasetError
from bdc_occ_ros.sync.synthetic_triggers import START_NS
from bdc_occ_ros.world.drive import Drive

CAMERAS = ('CAM_FRONT_LEFT', 'CAM_FRONT', 'CAM_FRONT_RIGHT', 'CAM_BACK_LEFT', 'CAM_BACK',
           'CAM_BACK_RIGHT')


def write_one_set(path, rig, converter):
    import numpy as np
    fired = sorted(Drive(rig, 1).exposures(0).values(), key=lambda e: e.stamp_ns)
    jpeg = encode_jpeg(np.zeros((9, 16, 3), np.uint8))
    with RigBagWriter(path, rig, START_NS, converter=converter) as bag:
        bag.write_set([RecordedReading(e.camera, e.stamp_ns, jpeg, e.world_from_ego)
                       for e in fired])


def test_every_converter_has_a_profile_of_its_name():
    assert CONVERTER_FORMATS.keys() <= dataset_files().keys()


@pytest.mark.parametrize('converter', [None, *CONVERTER_FORMATS.values()],
                         ids=lambda converter: converter.name if converter else 'nuscenes')
def test_the_profile_of_a_bag_is_found_in_the_bag(converter, nuscenes_rig, tmp_path):
    write_one_set(tmp_path / 'bag', nuscenes_rig, converter)
    contents = summarize_bag(tmp_path / 'bag')
    assert contents.dataset == (converter.name if converter else 'nuscenes')
    assert contents.num_messages == sum(topic.count for topic in contents.topics) > 6
    assert f'dataset: {contents.dataset}' in contents.as_text()
    if contents.dataset == 'nuscenes2bag':
        assert contents.reason.endswith('images here; so would nuscenes2bag_ros2')
    if contents.dataset == 'nuscenes2bag_ros2':
        assert contents.reason.endswith('without stamps; so would nuscenes2bag')


def test_one_missing_camera_is_named_and_the_template_is_never_taken():
    topics = [f'/{name}/image_rect_compressed' for name in CAMERAS[:-1]]
    with pytest.raises(NoDatasetError, match=r"mcap_style is nearest.*\['CAM_BACK_RIGHT'\]"):
        match_dataset(topics)
    with pytest.raises(NoDatasetError, match='dataset_custom.yaml'):
        match_dataset(['/camera/left/image', '/camera/front/image', '/camera/right/image'])


def test_topics_may_be_relative():
    assert match_dataset([f'camera/{name}/image' for name in CAMERAS]).name == 'nuscenes'


def parameters(path, node='/**', **values):
    path.write_text(json.dumps({node: {'ros__parameters': values}}))
    return str(path)


def test_a_rig_file_is_taken_by_its_path_and_a_parameter_file_lies_over_it(tmp_path):
    rig = parameters(tmp_path / 'rig.yaml', cameras=['front'])
    more = parameters(tmp_path / 'more.yaml', node='/robot/bdc_occ', max_points=9)
    nuscenes = dataset_files()['nuscenes']
    assert parameter_files(rig, more) == [Path(rig), Path(more)]
    assert parameter_files('nuscenes') == [nuscenes]
    assert parameter_files('nuscenes', more) == [nuscenes, Path(more)]


@pytest.mark.parametrize('node', ['/**', 'bdc_occ'])
def test_a_parameter_file_with_cameras_takes_the_place_of_the_profile(tmp_path, node):
    rig = parameters(tmp_path / 'rig.yaml', node, cameras=['front'])
    assert parameter_files('nuscenes', rig) == [Path(rig)]


@pytest.mark.parametrize(('given', 'words'), [
    (('nusenes',), "no dataset 'nusenes': give the path of a file, or one of autoware, "),
    (('{tmp}/absent.yaml',), 'absent.yaml'), (('',), "no dataset ''"),
    (('x' * 300,), 'no dataset'),
    (('nuscenes', '{tmp}/absent.yaml'), 'absent.yaml: there is no such file'),
    (('nuscenes', '{tmp}/list.yaml'), 'with ros__parameters is needed')])
def test_unknown_profiles_and_missing_files_are_refused(tmp_path, given, words):
    (tmp_path / 'list.yaml').write_text('[1, 2]')
    with pytest.raises(InvalidConfigError, match=words):
        parameter_files(*(word.format(tmp=tmp_path) for word in given))
