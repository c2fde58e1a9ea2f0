# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Settings and their limits, and single values of a config changed by words."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
import json
from typing import Literal

import pytest
import yaml

from bdc_occ_ros.config_file import (
    parse_dataclass,
    read_yaml,
    setting,
    settings_of,
    with_overrides,
)
from bdc_occ_ros.errors import InvalidConfigError
from bdc_occ_ros.network.config import BoxHeadConfig, load_network_config


@pytest.fixture(scope='module')
def nano():
    return load_network_config('bdc_occ_nano')


def test_values_are_changed_and_nothing_else(nano):
    changed = with_overrides(nano, [
        'nano.bev_unit.is_binary=false', 'name=other', 'nano.image_channels=[32, 64, 128]',
        'depth.spacing=sid', 'boxes=null', 'name=last'])
    assert not changed.nano.bev_unit.is_binary and changed.nano.image_unit == nano.nano.image_unit
    assert changed.name == 'last' and changed.nano.image_channels == (32, 64, 128)
    assert changed.depth.spacing == 'sid' and changed.boxes is None
    assert changed.bev == nano.bev
    assert with_overrides(nano, []) is nano
    assert with_overrides(changed, ['boxes.stride=4']).boxes == BoxHeadConfig(stride=4)


@pytest.mark.parametrize(('assignment', 'words'), [
    ('nano.bev_unit', 'PATH=VALUE is needed'),
    ('nano.bev.unit=1', 'bev is no part of the config'),
    ('published.bev_unit=1', 'a mapping is needed'),
    ('published.bev_neck_channels=8', 'exactly one of published and nano'),
    ('nano.bev_unit.colour=1', "unknown keys ['colour']"),
    ('nano.bev_unit.is_binary=1', 'bool is needed'),
    ('feature_stride=7', 'goes in steps of')])
def test_what_the_config_cannot_have_is_refused(nano, assignment, words):
    with pytest.raises(InvalidConfigError) as caught:
        with_overrides(nano, [assignment])
    assert words in str(caught.value)


@dataclass(frozen=True)
class Wheel:
    radius_m: float = setting(0.3, 'Radius of the tyre.', unit='m', limits=(0.1, 2.0))
    kind: Literal['steel', 'alloy'] = setting('steel', 'What the rim is made of.')


@dataclass(frozen=True)
class Car:
    wheels: Mapping[str, Wheel] = field(default_factory=dict)


def test_settings_are_held_to_their_limits_wherever_they_stand():
    car = parse_dataclass(Car, {'wheels': {'left': {'radius_m': 1, 'kind': 'alloy'}}}, 'car.yaml')
    assert car.wheels['left'] == Wheel(1.0, 'alloy')
    assert [(s.name, s.value, s.allowed) for s in settings_of(car)] == [
        ('wheels.left.radius_m', 1.0, '0.1 to 2'),
        ('wheels.left.kind', 'alloy', 'one of steel, alloy')]
    for values, words in (({'radius_m': 3}, 'left.radius_m needs: number, m, 0.1 to 2; got 3'),
                          ({'kind': 'wood'}, 'kind needs: string, one of steel, alloy; got'),
                          (5, 'car.yaml: wheels.left: a mapping is needed; got 5')):
        with pytest.raises(InvalidConfigError, match=words):
            parse_dataclass(Car, {'wheels': {'left': values}}, 'car.yaml')


def test_configs_may_be_json(tiny_model, tmp_path):
    path = tmp_path / 'tiny.json'
    path.write_text(json.dumps(yaml.safe_load(tiny_model.read_text())))
    assert load_network_config(path) == load_network_config(tiny_model)
    path.write_text('{')
    with pytest.raises(InvalidConfigError, match='not a readable YAML file'):
        load_network_config(path)


def test_numbers_are_what_json_takes_for_numbers(tmp_path):
    numbers = [1e-05, 1e300, -2.5e-07, 12, -3, 0.25]
    path = tmp_path / 'numbers.json'
    path.write_text(json.dumps(numbers))
    assert read_yaml(path) == numbers


ANCHORS = 'a: &a [x, x, x, x, x, x, x, x, x]\n' + ''.join(
    f'{name}: &{name} [{", ".join([f"*{before}"] * 9)}]\n'
    for before, name in zip('abcdefghi', 'bcdefghij'))


@pytest.mark.parametrize(('text', 'words'), [
    (ANCHORS, 'an alias'),
    ('a: ' + '[' * 50 + ']' * 50, 'levels deep'), ('[' * 100_000, 'levels deep'),
    ('a:\n' + ''.join(' ' * n + 'a:\n' for n in range(1, 400)), 'levels deep'),
    ('1: x', r"keys are words.*got \['1'\]"), ('on: x', 'keys are words'),
    ('a: 1\nb: 2\na: 3', 'stand once'), ('? [a]\n: x', 'keys are words'), ('<<: {a: 1}', 'keys'),
    ('a: ' + '9' * 5000, 'digits'), ('a: !!python/object:os.system {}', 'constructor'),
    ('a: "' + 'x' * 2 ** 18 + '"', 'at most 262144 bytes'), ('\0', 'special characters')],
    ids=lambda text: text[:10])
def test_yaml_of_strangers_is_read_within_bounds(tmp_path, text, words):
    path = tmp_path / 'x.yaml'
    path.write_text(text)
    with pytest.raises(InvalidConfigError, match=words) as caught:
        read_yaml(path)
    assert len(str(caught.value)) < 400 and '\n' not in str(caught.value)


def test_dates_are_words(tmp_path):
    path = tmp_path / 'x.yaml'
    path.write_text('a: 2026-01-01\nb: 2001-12-14t21:59:43.10-05:00')
    assert read_yaml(path) == {'a': '2026-01-01', 'b': '2001-12-14t21:59:43.10-05:00'}


@pytest.mark.parametrize('value', [
    int('9' * 4000), 1 << 20_000, -2 ** 64, ['y' * 10 ** 6] * 9, {'z' * 10 ** 6: 1}, float('inf'),
    None, [[[[[[[]]]]]]]], ids=lambda value: type(value).__name__)
def test_a_value_of_a_stranger_is_quoted_in_one_line(nano, value):
    for part in ('name', 'feature_stride', 'image', 'nano'):
        with pytest.raises(InvalidConfigError) as caught:
            parse_dataclass(type(nano), asdict(nano) | {part: value}, 'x')
        assert len(str(caught.value)) < 700 and '\n' not in str(caught.value)


def test_half_is_nano_at_half_of_all_widths(nano):
    half = load_network_config('bdc_occ_nano_half')
    assert half.nano.image_channels == tuple(c // 2 for c in nano.nano.image_channels)
    assert half.nano.bev_channels == tuple(c // 2 for c in nano.nano.bev_channels)
    assert (half.feature_channels, half.context_channels) == (64, 16)
    same = {'name', 'feature_channels', 'context_channels', 'nano'}
    assert all(getattr(half, field) == getattr(nano, field) for field in vars(nano)
               if field not in same)
