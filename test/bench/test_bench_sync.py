# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The synchronizer's benchmark: its rows, its table, and that it can fail."""

from dataclasses import replace
import json

import pytest

from bdc_occ_ros.bench.sync import as_record, as_table, choose_cases, compare, judge, OtherResult
from bdc_occ_ros.cli.__main__ import main
from bdc_occ_ros.errors import UsageError
from bdc_occ_ros.sync.cases import make_cases, rig_config
from bdc_occ_ros.sync.synthetic_triggers import MS

KEYS = {'case', 'sets_offered', 'sets_formed', 'mixed', 'dropped', 'us_per_message', 'added_ms'}


def test_json_rows_have_the_keys_that_scripts_rely_on(capsys):
    assert main(['bench', 'sync', '--cases', 'T1,t24', '--json']) == 0
    rows = json.loads(capsys.readouterr().out)
    assert [row['case'] for row in rows] == ['T1', 'T24a', 'T24b', 'T24c']
    assert all(KEYS <= set(row) for row in rows)
    assert (rows[0]['sets_offered'], rows[0]['sets_formed'], rows[0]['mixed']) == (240, 240, 0)
    assert all(row['dropped'] == sum(row['causes'].values()) for row in rows)


def test_the_table_names_the_cause_of_every_set_that_is_not_formed(capsys):
    assert main(['bench', 'sync', '--cases', 'T9']) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[1].split()[-7:-2] == ['240', '120', '120', '0', '120']
    counts = [int(line.split(' x ')[0]) for line in lines[2:]]
    assert sum(counts) == 120 and any('a newer set was complete first' in x for x in lines)


def test_an_unknown_case_is_refused_by_name():
    with pytest.raises(UsageError, match='no case T99; there are T1, T2a'):
        choose_cases('T1,T99', 0)


def test_seeds_change_the_noise_and_nothing_else():
    first, again, other = (make_cases(seed) for seed in (3, 3, 4))
    assert [case.images for case in first] == [case.images for case in again]
    assert first[1].images != other[1].images
    assert [case.name for case in first] == [case.name for case in other]


def test_a_case_fails_when_due_sets_are_not_formed():
    case = replace(make_cases(0)[0], config=rig_config(tolerance_ns=MS, offsets_ns=None))
    row = judge(case)
    assert not row.passed and row.sets_formed == 0 and row.dropped == 240
    assert as_table([as_record(row, None)]).splitlines()[1].endswith('FAILED')


def test_a_case_fails_when_sets_are_mixed():
    case = make_cases(0)[0]
    config = rig_config(mode='window', offsets_ns=None, window_ns=90 * MS)
    images = [image for image in case.images if (image.camera, image.trigger) not in
              {('CAM_FRONT_LEFT', 0), ('CAM_FRONT', 1)}]
    row = judge(replace(case, config=config, images=images))
    assert row.mixed > 0 and not row.passed


def test_another_synchronizer_stands_beside_ours():
    case = make_cases(0)[0]
    mixed = [case.images[:6], case.images[3:9]]
    other = compare(case, lambda _: OtherResult(mixed, 12.3))
    assert other == {'sets_formed': 2, 'mixed': 1, 'us_per_message': 12.3}
    table = as_table([as_record(judge(case), other)])
    assert table.splitlines()[1].split('|')[1].split() == ['2', '1', '12.3']
