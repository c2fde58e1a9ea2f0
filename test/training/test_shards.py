# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Bytes in parts: whole again, or refused."""

import json

import pytest

from bdc_occ_ros.errors import InvalidTrainingStateError
from bdc_occ_ros.training import shards

DATA = bytes(range(256)) * 10


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(shards, 'MAX_SHARD_BYTES', 1000)
    shards.write_shards(tmp_path / 'parts', DATA)
    return tmp_path / 'parts'


def test_parts_are_small_and_join_to_what_was_written(folder):
    sizes = sorted(path.stat().st_size for path in folder.glob('*.part'))
    assert sizes == [560, 1000, 1000]
    assert shards.read_shards(folder) == DATA
    shards.write_shards(folder, b'new')
    assert shards.read_shards(folder) == b'new' and len(list(folder.iterdir())) == 2


def test_the_real_limit_is_below_16_mebibytes():
    assert shards.MAX_SHARD_BYTES < 16 << 20


def test_a_damaged_or_missing_part_is_named(folder):
    part = sorted(folder.glob('*.part'))[0]
    content = part.read_bytes()
    part.write_bytes(b'\x00' + content[1:])
    with pytest.raises(InvalidTrainingStateError, match=f'{part.name} is damaged'):
        shards.read_shards(folder)
    part.unlink()
    with pytest.raises(InvalidTrainingStateError, match=f'{part.name} is missing'):
        shards.read_shards(folder)


@pytest.mark.parametrize('change', [
    {'parts': ['../elsewhere.part']}, {'parts': []}, {'bytes': 3}, {'format': 'other'},
    {'parts': 'abc'}, {'sha256': 'x'}])
def test_an_index_that_lies_is_refused(folder, change):
    index = json.loads((folder / 'index.json').read_text())
    (folder / 'index.json').write_text(json.dumps({**index, **change}))
    with pytest.raises(InvalidTrainingStateError):
        shards.read_shards(folder)


def test_no_index(tmp_path):
    with pytest.raises(InvalidTrainingStateError, match='no readable index'):
        shards.read_shards(tmp_path)
