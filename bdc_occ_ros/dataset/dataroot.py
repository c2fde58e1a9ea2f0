# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Join the scenes that are written to the tables of a whole data set, as nuScenes has them."""

from collections.abc import Mapping, Sequence
import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from bdc_occ_ros.dataset.scene_writer import SCENES_FOLDER
from bdc_occ_ros.dataset.taxonomy import fixed_tables, token
from bdc_occ_ros.errors import InvalidDatasetError, UsageError
from bdc_occ_ros.files import read_json, reading, replacing

SCENE_TABLES = ('scene', 'log', 'sample', 'sample_data', 'sample_annotation', 'instance',
                'ego_pose', 'calibrated_sensor', 'sensor')
SPLITS_FILE = 'splits.json'
MAP_FILE = 'maps/empty.png'
MAP_SHAPE = (64, 64)


def written_scenes(dataroot: Path, version: str) -> list[str]:
    """Return the scenes whose rows are complete, in the order of their names."""
    return sorted(path.stem for path in (dataroot / version / SCENES_FOLDER).glob('*.json'))


def defined_splits(dataroot: Path, version: str) -> dict[str, list[str]]:
    """
    Return the splits that are defined beside the tables: names of scenes by split.

    :raises InvalidDatasetError: if the file is damaged.
    """
    path = dataroot / version / SPLITS_FILE
    with reading(path, InvalidDatasetError,
                 'write it again, or delete it and scenes are divided anew'):
        splits = read_json(path, InvalidDatasetError) if path.is_file() else {}
        if not isinstance(splits, dict) or not all(
                isinstance(names, list) and all(isinstance(name, str) for name in names)
                for names in splits.values()):
            raise InvalidDatasetError('names of scenes by split are needed')
    return splits


def assemble_dataroot(dataroot: Path, version: str, splits: Mapping[str, Sequence[str]]) -> None:
    """
    Write the tables of all scenes, an empty map, and the splits of our own.

    :param splits: Names of scenes by split, for splits.json.
    :raises UsageError: if there are no scenes, or a split names one that is not written.
    :raises InvalidDatasetError: if they cannot be written.
    """
    names = written_scenes(dataroot, version)
    unknown = {name for scenes in splits.values() for name in scenes} - set(names)
    if not names or unknown:
        raise UsageError(f'{dataroot / version}: {len(names)} scenes are written; the splits '
                         f'also name {sorted(unknown)[:5]}')
    rows: dict[str, dict[str, Any]] = {table: {} for table in SCENE_TABLES}
    for name in names:
        scene = read_json(dataroot / version / SCENES_FOLDER / f'{name}.json', InvalidDatasetError)
        for table in SCENE_TABLES:
            rows[table] |= {row['token']: row for row in scene.get(table, ())}
    tables = fixed_tables() | {table: list(entries.values()) for table, entries in rows.items()}
    tables['map'] = [{'token': token('map', version), 'category': 'semantic_prior',
                      'filename': MAP_FILE, 'log_tokens': list(rows['log'])}]
    contents = {f'{version}/{table}.json': json.dumps(entries).encode()
                for table, entries in tables.items()}
    contents[f'{version}/{SPLITS_FILE}'] = json.dumps(
        {split: list(scenes) for split, scenes in splits.items()}).encode()
    contents[MAP_FILE] = cv2.imencode('.png', np.zeros(MAP_SHAPE, np.uint8))[1].tobytes()
    for name, content in contents.items():
        with replacing(dataroot / name, InvalidDatasetError, parents=True) as place:
            place.write_bytes(content)
