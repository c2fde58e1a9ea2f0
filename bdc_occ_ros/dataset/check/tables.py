# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Checks that every row of the tables finds the rows that it names."""

from collections.abc import Iterator, Mapping, Sequence
import json
import math
from pathlib import Path
from typing import Any

from bdc_occ_ros.dataset.check.issues import Finding, UNPACK_AGAIN

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
TEXTS = {'sample': ('next',), 'sample_data': ('filename', 'next'), 'scene': ('name',)}
WHOLE = {'sample': ('timestamp',), 'sample_data': ('timestamp', 'width', 'height'),
         'sample_annotation': ('num_lidar_pts', 'num_radar_pts'), 'scene': ('nbr_samples',)}
TABLES = ('attribute', 'calibrated_sensor', 'category', 'ego_pose', 'instance', 'log', 'map',
          'sample', 'sample_annotation', 'sample_data', 'scene', 'sensor', 'visibility')
CURE = f'the tables belong together: {UNPACK_AGAIN}'


def read_tables(folder: Path) -> tuple[dict[str, list[Row]], list[Finding]]:
    """
    Read the tables without the devkit, which stops at the first mistake.

    :return: What could be read, and a finding for each that could not.
    """
    tables, findings = {}, []
    for name in TABLES:
        path = folder / f'{name}.json'
        try:
            rows = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError) as error:
            findings.append(Finding('tables', str(path), f'cannot be read: {error}', CURE))
            continue
        problem = _problem_of(name, rows)
        if problem:
            findings.append(Finding('tables', str(path), problem, CURE))
        else:
            tables[name] = rows
    return tables, findings


def _problem_of(name: str, rows: Any) -> str:
    """Return why what was read is no table, or nothing."""
    if not isinstance(rows, list) or not all(isinstance(row, dict) and 'token' in row
                                             for row in rows):
        return 'is no list of rows with tokens'
    columns = {'token', 'next', 'prev', *(column for table, column in REFERENCES if table == name)}
    for row in rows:
        for column in sorted(columns & row.keys()):
            if not isinstance(row[column], str):
                return f'row {row["token"]}: {column} is text; got {str(row[column])[:50]}'
        for column in WHOLE.get(name, ()):
            if type(row.get(column)) is not int:
                return f'row {row["token"]}: {column} is whole; got {str(row.get(column))[:50]}'
        if name == 'calibrated_sensor' and not _is_camera_matrix(row.get('camera_intrinsic')):
            return (f'row {row["token"]}: camera_intrinsic is 3 rows of 3 finite numbers, or '
                    f'empty; got {str(row.get("camera_intrinsic"))[:80]}')
        for column in TEXTS.get(name, ()):
            if not isinstance(row.get(column), str):
                return f'row {row["token"]}: {column} is text; got {str(row.get(column))[:50]}'
        for column, count in NUMBERS.get(name, {}).items():
            if not _are_numbers(row.get(column), count):
                return (f'row {row["token"]}: {column} is {count} finite numbers; got '
                        f'{str(row.get(column))[:80]}')
    return ''


def _is_camera_matrix(values: Any) -> bool:
    """Return whether a value is a camera's matrix, or empty as other sensors have it."""
    return values == [] or isinstance(values, list) and len(values) == 3 and all(
        _are_numbers(row, 3) for row in values)


def _are_numbers(values: Any, count: int) -> bool:
    """Return whether a value is a list of so many finite numbers."""
    return isinstance(values, list) and len(values) == count and all(
        type(value) in (int, float) and math.isfinite(value) for value in values)


def check_tables(tables: Tables) -> Iterator[Finding]:
    """
    Look for rows that name rows which do not exist, and for broken chains.

    :param tables: Rows by table; a table that is not there is not looked at.
    """
    rows = {name: {row['token']: row for row in table} for name, table in tables.items()}
    for name, table in tables.items():
        if len(rows[name]) != len(table):
            yield Finding('tables', f'{name}.json', f'{len(table) - len(rows[name])} rows have '
                          'the token of another', CURE)
    for (name, column), other in REFERENCES.items():
        if name in rows and other in rows:
            for row in tables[name]:
                if row.get(column) not in rows[other]:
                    yield Finding('tables', f'{name}.json, row {row["token"]}',
                                  f'{column} {row.get(column)} is in no row of {other}.json', CURE)
    for name in CHAINS:
        yield from _check_chain(name, rows.get(name, {}))
    yield from _check_scenes(tables.get('scene', ()), rows.get('sample', {}))


def _check_chain(name: str, rows: Mapping[str, Row]) -> Iterator[Finding]:
    """Look for rows whose next row does not know them, or is earlier."""
    for token, row in rows.items():
        following = rows.get(row.get('next', ''))
        if following is None and not row.get('next'):
            continue
        where = f'{name}.json, row {token}'
        if following is None or following.get('prev') != token:
            yield Finding('tables', where, f'next {row["next"]} is no row that names it as the '
                          'one before', CURE)
        elif following.get('timestamp', 1) <= row.get('timestamp', 0):
            yield Finding('tables', where, f'next {row["next"]} is not later', CURE)


def _check_scenes(scenes: Sequence[Row], samples: Mapping[str, Row]) -> Iterator[Finding]:
    """Look for scenes that do not have as many samples as they say."""
    if not samples:
        return
    for scene in scenes:
        count, token = 0, scene.get('first_sample_token')
        while token in samples and count <= len(samples):
            count, token = count + 1, samples[token].get('next')
        if count != scene.get('nbr_samples'):
            yield Finding('tables', f'scene.json, {scene.get("name")}', f'has {count} samples in '
                          f'a row, not {scene.get("nbr_samples")} as it says', CURE)
