# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The counts: to the unit where the specification gives them, and the published table."""

import json

import pytest

from bdc_occ_ros.bench.published_costs import compare_with_paper
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.cli.profile import CONVENTIONS
from bdc_occ_ros.network.config import load_network_config
from bdc_occ_ros.network.cost import profile_network, total_cost

# module: params full, small, 1-bit; then 1e9 multiply-adds full, bit x bit, bit x real
BDC_T = {
    'img_backbone': (23_508_032, 0, 0, 88.082, 0, 0),
    'img_neck': (0, 59_147, 41_680_896, 0, 53.565, 5.993),
    'img_view_transformer': (39_064, 0, 0, 0.164, 0, 0),
    'img_bev_encoder_backbone': (0, 54_035, 16_474_112, 0, 16.957, 1.969),
    'img_bev_encoder_neck': (2_950_144, 30_986, 10_223_616, 29.491, 156.303, 17.369),
    'occ_head': (279_328, 2_817, 786_432, 11.141, 23.593, 2.622),
}
BDC_B = {
    **BDC_T,
    'img_neck': (1_377_024, 0, 0, 4.152, 0, 0),
    'img_bev_encoder_backbone': (0, 75_411, 16_474_112, 0, 16.957, 1.969),
    'img_bev_encoder_neck': (2_950_144, 47_882, 10_223_616, 29.491, 156.303, 17.369),
    'occ_head': (279_328, 4_353, 786_432, 11.141, 23.593, 2.622),
}
TOTALS = {
    'flashocc_r50': (44_744_312, 0, 0, 247.72, 0, 0),
    'bdc_occ_t': (26_776_568, 146_985, 69_165_056, 128.879, 250.419, 27.952),
    'bdc_occ_b': (28_153_592, 127_646, 27_484_160, 133.031, 196.854, 21.960),
    'bevdet_r50': (44_248_527, 0, 0, 147.99, 0, 0),
    'bdc_det_t': (26_501_327, 152_626, 69_165_056, 100.48, 134.20, 14.99),
}


def check(cost, expected):
    assert (cost.params_full, cost.params_small, cost.params_1bit) == expected[:3]
    gigas = (cost.macs_full / 1e9, cost.macs_1bit / 1e9, cost.macs_mixed / 1e9)
    assert gigas == pytest.approx(expected[3:], abs=0.006)


@pytest.mark.parametrize(('name', 'modules'), [('bdc_occ_t', BDC_T), ('bdc_occ_b', BDC_B)])
def test_module_counts(name, modules):
    costs = profile_network(load_network_config(name))
    assert list(costs) == list(modules)
    for module, expected in modules.items():
        check(costs[module], expected)


@pytest.mark.parametrize('name', TOTALS)
def test_totals(name):
    total = total_cost(profile_network(load_network_config(name)))
    check(total, TOTALS[name])
    assert total.params == sum(TOTALS[name][:3])


@pytest.mark.parametrize(('name', 'megabytes'), [
    ('flashocc_r50', 179.0), ('bdc_occ_t', 116.3), ('bdc_occ_b', 116.6)])
def test_packed_bytes(name, megabytes):
    total = total_cost(profile_network(load_network_config(name)))
    assert total.packed_bytes / 1e6 == pytest.approx(megabytes, abs=0.06)


def test_three_conventions_differ_as_described():
    headlines = total_cost(profile_network(load_network_config('bdc_occ_t'))).headlines()
    assert set(headlines) == set(CONVENTIONS)
    gigas = {name: operations / 1e9 for name, (_, operations) in headlines.items()}
    assert gigas == pytest.approx(
        {'deployable': 160.74, 'conventional': 133.23, 'authors': 129.897}, abs=0.005)
    assert headlines['deployable'][0] == headlines['conventional'][0] == pytest.approx(
        29.085e6, abs=1e3)


def test_cost_grows_with_the_cameras_where_it_should():
    three, six = (profile_network(load_network_config('bdc_occ_nano'), n) for n in (3, 6))
    assert six['img_backbone'].macs_full == 2 * three['img_backbone'].macs_full
    assert six['occ_head'] == three['occ_head']


def test_nano_has_no_mixed_multiply_adds():
    total = total_cost(profile_network(load_network_config('bdc_occ_nano')))
    assert total.macs_mixed == 0
    assert total.macs_1bit > total.macs_full > 0


def test_the_published_table_is_met_but_for_one_cell():
    rows = {row.published.model: row for row in compare_with_paper()}
    exact = {'flashocc_r50': 248.572, 'bdc_occ_t': 129.897, 'bdc_occ_b': 134.017,
             'bevdet_r50': 148.768, 'bdc_det_t': 101.362}
    assert {name: row.cost.authors_ops / 1e9 for name, row in rows.items()} == pytest.approx(
        exact, abs=0.001)
    assert {name: row.misses for name, row in rows.items() if row.misses} == {
        'bdc_occ_b': ('Params',)}
    assert rows['bdc_occ_b'].params_m == 28.18


def test_command_prints_modules_and_the_convention_asked_for(capsys):
    assert main(['profile', '--model', 'bdc_occ_t', '--convention', 'authors']) == 0
    printed = capsys.readouterr().out
    assert '26.817 M parameters   129.897 G operations' in printed
    assert 'img_bev_encoder_neck' in printed
    assert 'deployable' not in printed


def test_command_prints_json(capsys):
    assert main(['profile', '--model', 'bdc_occ_nano', '--json']) == 0
    result = json.loads(capsys.readouterr().out)
    assert result['total']['params'] == sum(m['params'] for m in result['modules'].values())
    assert set(CONVENTIONS) <= set(result['total'])


def test_command_counts_a_changed_network(capsys):
    totals = []
    for changes in ((), ('--set', 'nano.bev_unit.version=0'),
                    ('--set', 'nano.bev_unit.activation_before_1x1=real')):
        assert main(['profile', '--model', 'bdc_occ_nano', '--json', *changes]) == 0
        totals.append(json.loads(capsys.readouterr().out)['total'])
    plain, v0, real = totals
    assert v0['params_1bit'] < plain['params_1bit'] == real['params_1bit']
    assert v0['macs_mixed'] == 0 < real['macs_mixed']
    assert real['macs_mixed'] + real['macs_1bit'] == plain['macs_1bit']


def test_bisrnet_costs_what_the_authors_counter_says(capsys):
    changes = [f'published.{unit}.version=0' for unit in ('image_neck_unit', 'bev_unit')]
    assert main(['profile', '--model', 'bdc_occ_t', '--convention', 'authors',
                     *(word for change in changes for word in ('--set', change))]) == 0
    assert '26.791 M parameters   129.707 G operations' in capsys.readouterr().out


def test_command_prints_the_table_and_names_the_miss(capsys):
    assert main(['profile', '--table']) == 0
    printed = capsys.readouterr().out
    assert 'BDC-B: Params: the cell is what BDC-T' in printed
    assert printed.count('none') == 4
    assert main(['profile', '--table', '--json']) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row['misses'] for row in rows] == [[], [], ['Params'], [], []]


@pytest.mark.parametrize('arguments', [
    ['--model', 'resnet'], ['--model', 'bdc_occ_t', '--cameras', '0'],
    ['--model', 'bdc_occ_nano', '--set', 'nano.bev_unit.version=4'],
    ['--table', '--set', 'name=a'], ['--table', '--convention', 'deployable'],
    ['--table', '--cameras', '3']])
def test_command_refuses_in_one_line(arguments, capsys):
    assert main(['profile', *arguments]) == 2
    assert capsys.readouterr().err.count('\n') == 1
