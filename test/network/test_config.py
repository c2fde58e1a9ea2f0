# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The network configs: what stands in the files, and what is refused."""

from dataclasses import asdict, replace
import json

import pytest

from bdc_occ_ros.config_file import parse_dataclass
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.network.config import (
    DepthConfig,
    load_network_config,
    MODEL_NAMES,
    NetworkConfig,
)


def test_uniform_bins():
    bins = DepthConfig(1.0, 45.0, 0.5).bins_m()
    assert len(bins) == 88
    assert (bins[0], bins[1], bins[-1]) == (1.0, 1.5, 44.5)
    assert DepthConfig(1.0, 60.0, 1.0).bins_m() == tuple(float(d) for d in range(1, 60))


@pytest.mark.parametrize(('stop_m', 'step_m', 'first', 'last', 'count'), [
    (45.0, 0.5, (1.0000, 1.0445, 1.0909), 44.0, 88),
    (60.0, 1.0, (1.0000, 1.0728, 1.1510), 59.0, 59)])
def test_spacing_increasing_bins(stop_m, step_m, first, last, count):
    bins = DepthConfig(1.0, stop_m, step_m, 'sid').bins_m()
    assert bins[:3] == pytest.approx(first, abs=5e-5)
    assert bins[-1] == pytest.approx(last)
    assert len(bins) == count


@pytest.mark.parametrize('name', MODEL_NAMES)
def test_every_named_config_loads_and_survives_json(name):
    config = load_network_config(name)
    assert config.name == name
    values = json.loads(json.dumps(asdict(config)))
    assert parse_dataclass(NetworkConfig, values, 'again') == config


def test_grids_and_channel_orders():
    occupancy, nano = load_network_config('bdc_occ_t'), load_network_config('bdc_occ_nano')
    for config in (occupancy, nano):
        grid = config.voxel_grid()
        assert grid.shape == (200, 200, 16)
        assert grid.lower_m == (-40.0, -40.0, -1.0)
        assert grid.cell_size_m == pytest.approx((0.4, 0.4, 0.4))
    assert load_network_config('bevdet_r50').bev.shape == (128, 128)
    assert (occupancy.image.channel_order, nano.image.channel_order) == ('bgr', 'rgb')
    assert (occupancy.feature_shape, nano.feature_shape) == ((16, 44), (16, 44))


def test_rows_are_y_and_columns_are_x():
    bev = replace(load_network_config('bdc_occ_t').bev, x_range_m=(-40.0, 40.0),
                  y_range_m=(-10.0, 10.0))
    assert bev.shape == (50, 200)


def test_only_the_published_networks_keep_the_authors_rules():
    published = load_network_config('bdc_occ_t').published.bev_unit
    assert (published.sign_of_zero, published.activation_before_1x1,
            published.activation_in_branch) == (0, 'real', 'real')
    nano = load_network_config('bdc_occ_nano').nano
    assert (nano.bev_unit.is_binary, nano.bev_unit.sign_of_zero,
            nano.bev_unit.activation_before_1x1, nano.bev_unit.activation_in_branch) == (
                True, 1, 'sign', 'sign')
    assert not nano.image_unit.is_binary


def values_of(name='bdc_occ_nano'):
    return json.loads(json.dumps(asdict(load_network_config(name))))


def changed(path, value):
    values = values_of()
    target = values
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = value
    return values


@pytest.mark.parametrize(('path', 'value', 'message'), [
    (('widht',), 1, "unknown keys .'widht'"),
    (('image', 'height_px'), '128', 'image.height_px: int is needed'),
    (('image', 'height_px'), True, 'int is needed'),
    (('image', 'channel_order'), 'gbr', "one of .'rgb', 'bgr'"),
    (('image', 'mean'), [1.0, 2.0], '3 values are needed; got 2'),
    (('image', 'width_px'), 350, 'multiples of'),
    (('depth', 'stop_m'), 1.5, 'start_m < stop_m'),
    (('bev', 'x_range_m'), [40.0, -40.0], 'must be positive'),
    (('nano', 'bev_unit', 'version'), 4, 'one of .0, 1, 2, 3'),
    (('nano', 'bev_unit', 'num_branch_layers'), 0, 'at least 1'),
    (('nano',), None, 'exactly one of published and nano'),
    (('published',), {}, 'exactly one of published and nano'),
    (('occupancy', 'free_label'), 18, 'none of 18 classes'),
    (('occupancy', 'class_counts'), [1, 2], 'needs 18 positive numbers'),
    (('boxes', 'nms_size_factors'), [1.0], 'one nms_size_factors entry per class'),
    (('image',), 3, 'a mapping is needed'),
])
def test_wrong_values_are_refused_by_name(path, value, message):
    with pytest.raises(InvalidConfigError, match=message):
        parse_dataclass(NetworkConfig, changed(path, value), 'test')


def test_missing_keys_and_heads_are_refused():
    values = values_of()
    del values['bev']
    with pytest.raises(InvalidConfigError, match=r"missing keys \['bev'\]"):
        parse_dataclass(NetworkConfig, values, 'test')
    with pytest.raises(InvalidConfigError, match='at least one of occupancy and boxes'):
        parse_dataclass(NetworkConfig, {**values_of(), 'boxes': None, 'occupancy': None}, 'test')
    with pytest.raises(InvalidConfigError, match='no voxel grid'):
        load_network_config('bevdet_r50').voxel_grid()


def test_files_that_are_not_there_or_not_yaml(tmp_path):
    with pytest.raises(InvalidConfigError, match='give a file, or one of'):
        load_network_config('resnet')
    broken = tmp_path / 'broken.yaml'
    broken.write_text('name: [')
    with pytest.raises(InvalidConfigError, match='not a readable YAML file'):
        load_network_config(broken)
