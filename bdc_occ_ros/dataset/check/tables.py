# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Check that every row of the tables finds the rows that it names."""

from collections.abc import Iterator, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any

from bdc_occ_ros.dataset.check.issues import DatasetIssue, UNPACK_AGAIN
from bdc_occ_ros.errors import InvalidDatasetError
from bdc_occ_ros.files import quoted, read_json

Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]

# Table and column that names a row, and the table in which that row is.
REFERENCES = {
    ('scene', 'log_token'): 'log', ('scene', 'first_sample_token'): 'sample',
    ('scene', 'last_sample_token'): 'sample', ('sample', 'scene_token'): 'scene',
    ('sample_data', 'sample_token'): 'sample', ('sample_data', 'ego_pose_token'): 'ego_pose',
    ('sample_data', 'calibrated_sensor_token'): 'calibrated_sensor',
    ('calibrated_sensor', 'sensor_token'): 'sensor',
    ('sample_annotation', 'sample_token'): 'sample',
    ('sample_annotation', 'instance_token'): 'instance',
    ('instance', 'category_token'): 'category',
}
CHAINS = ('sample', 'sample_data', 'sample_annotation')
# Columns that later checks and the devkit read, by table: so many numbers, text, or whole numbers.
NUMBERS = {'ego_pose': {'translation': 3, 'rotation': 4},
           'calibrated_sensor': {'translation': 3, 'rotation': 4},
           'sample_annotation': {'translation': 3, 'rotation': 4, 'size': 3}}
TEXTS = {'sample': ('next',), 'sample_data': ('filename', 'next'), 'scene': ('name',),
         'sample_annotation': ('next', 'prev'), 'category': ('name',), 'attribute': ('name',),
         'sensor': ('channel', 'modality')}
WHOLE = {'sample': ('timestamp',), 'sample_data': ('timestamp', 'width', 'height'),
         'sample_annotation': ('num_lidar_pts', 'num_radar_pts'), 'scene': ('nbr_samples',)}
MAX_TEXT = 250  # so that messages may name tokens and files, and files can have such names
MAX_NUMBER = 1e9  # metres and pixels are less
MAX_WHOLE = 2 ** 53  # microseconds are less, and nanoseconds then have 64 bits
MAX_TABLE_BYTES = 2 ** 32
# All that are read; maps are not.
TABLES = ('attribute', 'calibrated_sensor', 'category', 'ego_pose', 'instance', 'log',
          'sample', 'sample_annotation', 'sample_data', 'scene', 'sensor', 'visibility')
CURE = f'the tables belong together: {UNPACK_AGAIN}'


def read_tables(folder: Path) -> tuple[dict[str, list[Row]], list[DatasetIssue]]:
    """
    Read the tables, and look at the kind of every value that is read later.

    :return: What could be read, and an issue for each that could not.
    """
    tables, issues = {}, []
    for name in TABLES:
        path = folder / f'{name}.json'
        try:
            rows = read_json(path, InvalidDatasetError, MAX_TABLE_BYTES)
        except InvalidDatasetError as error:
            issues.append(_issue(str(path), str(error).removeprefix(f'{path}: ')))
            continue
        problem = _problem_of(name, rows)
        if problem:
            issues.append(_issue(str(path), problem))
        else:
            tables[name] = rows
    return tables, issues


def _issue(where: str, problem: str) -> DatasetIssue:
    return DatasetIssue('tables', where, problem, CURE)


def _problem_of(name: str, rows: Any) -> str:
    """Return why what was read is no table, or nothing."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) and 'token' in row
                                             for row in rows):
        return 'is no list of rows with tokens'
    # What each column must hold, and what stands for it where a row may do without.
    rules = [(column, '', 'text', _is_text) for column in ('next', 'prev')]
    rules += [(column, None, 'text', _is_text) for column in (
        'token', *(column for table, column in REFERENCES if table == name),
        *TEXTS.get(name, ()))]
    rules += [(column, None, 'whole', _is_whole) for column in WHOLE.get(name, ())]
    rules += [(column, None, f'{count} finite numbers', partial(_are_numbers, count))
              for column, count in NUMBERS.get(name, {}).items()]
    if name == 'calibrated_sensor':
        rules.append(('camera_intrinsic', None, '3 rows of 3 finite numbers, or empty',
                      _is_camera_matrix))
    if name == 'sample_data':
        rules.append(('is_key_frame', None, 'true or false', lambda value: value in (True, False)))
    if name == 'sample_annotation':
        rules.append(('attribute_tokens', None, 'a list of one token or none', _is_token_list))
    for row in rows:
        for column, default, kind, is_right in rules:
            value = row.get(column, default)
            if not is_right(value):
                return f'row {quoted(row["token"])}: {column} is {kind}; got {quoted(value)}'
    return ''


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and len(value) <= MAX_TEXT


def _is_whole(value: Any) -> bool:
    return type(value) is int and 0 <= value < MAX_WHOLE


def _is_token_list(values: Any) -> bool:
    return isinstance(values, list) and len(values) < 2 and all(map(_is_text, values))


def _is_camera_matrix(values: Any) -> bool:
    return values == [] or isinstance(values, list) and len(values) == 3 and all(
        _are_numbers(3, row) for row in values)


def _are_numbers(count: int, values: Any) -> bool:
    return isinstance(values, list) and len(values) == count and all(
        type(value) in (int, float) and abs(value) < MAX_NUMBER for value in values)


def check_tables(tables: Tables) -> Iterator[DatasetIssue]:
    """Look for rows that name rows which do not exist, and for broken chains."""
    rows = {name: {row['token']: row for row in table} for name, table in tables.items()}
    for name, table in tables.items():
        if len(rows[name]) != len(table):
            yield _issue(f'{name}.json',
                         f'{len(table) - len(rows[name])} rows have the token of another')
    for (name, column), other in REFERENCES.items():
        if name in rows and other in rows:
            for row in tables[name]:
                if row.get(column) not in rows[other]:
                    yield _issue(f'{name}.json, row {row["token"]}',
                                 f'{column} {row.get(column)} is in no row of {other}.json')
    for name in CHAINS:
        yield from _check_chain(name, rows.get(name, {}))
    yield from _check_scenes(tables.get('scene', ()), rows.get('sample', {}))


def _check_chain(name: str, rows: Mapping[str, Row]) -> Iterator[DatasetIssue]:
    """Look for rows whose next row does not know them, or is earlier."""
    for token, row in rows.items():
        following = rows.get(row.get('next', ''))
        if following is None and not row.get('next'):
            continue
        where = f'{name}.json, row {token}'
        if following is None or following.get('prev') != token:
            yield _issue(where, f'next {row["next"]} is no row that names it as the one before')
        elif following.get('timestamp', 1) <= row.get('timestamp', 0):
            yield _issue(where, f'next {row["next"]} is not later')


def _check_scenes(scenes: Sequence[Row], samples: Mapping[str, Row]) -> Iterator[DatasetIssue]:
    """Look for scenes that do not have as many samples as they say."""
    if not samples:
        return
    for scene in scenes:
        count, token = 0, scene.get('first_sample_token')
        while token in samples and count <= len(samples):
            count, token = count + 1, samples[token].get('next')
        if count != scene.get('nbr_samples'):
            yield _issue(f'scene.json, {scene.get("name")}', f'has {count} samples in a row, not '
                         f'{scene.get("nbr_samples")} as it says')
