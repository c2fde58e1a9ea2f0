# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Files from outside are read within bounds; files of ours are whole or not there."""

from concurrent.futures import ThreadPoolExecutor
import io
import logging
import os
from pathlib import Path
from threading import Event
from types import SimpleNamespace
import zipfile

import numpy as np
import pytest

from bdc_occ_ros.errors import InvalidBagError, InvalidCalibrationError
from bdc_occ_ros.files import parse_json, quoted, read_arrays, read_bytes, reading, replacing


def test_pipes_devices_folders_and_large_files_are_refused(tmp_path):
    pipe, link, large = tmp_path / 'pipe', tmp_path / 'link', tmp_path / 'large'
    os.mkfifo(pipe)
    link.symlink_to('/dev/zero')
    large.write_bytes(bytes(11))
    for path, words in ((pipe, 'regular file'), (link, 'regular file'), (large, 'it has 11'),
                        (tmp_path, 'Is a directory'), (tmp_path / 'none', 'No such file')):
        with pytest.raises(InvalidBagError, match=words):
            read_bytes(path, InvalidBagError, 10)
    assert read_bytes(large, InvalidBagError, 11) == bytes(11)


@pytest.mark.parametrize('text', [
    '{', '[NaN]', '{"a": 1, "a": 2}', '[' * 200_000, '1' * 9999, b'\xff', '"' + 'x' * 10 ** 6])
def test_what_is_no_json_is_named_in_one_line(text):
    with pytest.raises(InvalidBagError, match='^the bag: not JSON: ') as caught:
        parse_json(text, 'the bag', InvalidBagError)
    assert len(str(caught.value)) < 300


def test_what_a_stranger_says_is_cut():
    nested = ['x']
    for _ in range(30):
        nested = [nested] * 10
    assert len(quoted(nested)) < 300
    assert len(quoted('y' * 10 ** 6)) < 300


@pytest.mark.parametrize('damage', [
    KeyError('name'), IndexError(), ZeroDivisionError(), OverflowError('big'),
    AttributeError('no'), AssertionError(), MemoryError(), UnicodeDecodeError('a', b'', 0, 1, ''),
    InvalidCalibrationError('bad lens')])
def test_damages_become_the_named_error(damage):
    with pytest.raises(InvalidBagError, match='^the bag: .'), reading('the bag', InvalidBagError):
        raise damage


def npz(path: Path, **members: bytes) -> Path:
    with zipfile.ZipFile(path, 'w', zipfile.ZIP_DEFLATED) as archive:
        for name, data in members.items():
            archive.writestr(f'{name}.npy', data)
    return path


def npy(array: np.ndarray) -> bytes:
    file = io.BytesIO()
    np.save(file, array, allow_pickle=True)
    return file.getvalue()


def test_arrays_are_bounded_before_they_are_unpacked(tmp_path):
    array = np.arange(6.0).reshape(2, 3)
    np.testing.assert_array_equal(
        read_arrays(npz(tmp_path / 'good.npz', a=npy(array)), InvalidBagError)['a'], array)
    claim = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        claim, {'descr': '<f8', 'fortran_order': False, 'shape': (2, 10 ** 12)})
    for name, data, words in (('bomb', bytes(10 ** 7), 'unpacks to 10000000 bytes'),
                              ('claims', claim.getvalue(), 'more than it holds'),
                              ('objects', npy(np.array([{}])), 'Object arrays'),
                              ('text', b'hello', 'magic')):
        with pytest.raises(InvalidBagError, match=words):
            read_arrays(npz(tmp_path / f'{name}.npz', x=data), InvalidBagError, 10 ** 6)
    (tmp_path / 'cut.npz').write_bytes((tmp_path / 'good.npz').read_bytes()[:-30])
    with pytest.raises(InvalidBagError, match='zip'):
        read_arrays(tmp_path / 'cut.npz', InvalidBagError)


def test_a_file_or_folder_takes_its_name_when_it_is_whole(tmp_path):
    path = tmp_path / 'file'
    path.write_text('old')
    with pytest.raises(RuntimeError), replacing(path, InvalidBagError) as partial:
        partial.write_text('ne')
        raise RuntimeError
    assert path.read_text() == 'old'
    with replacing(path, InvalidBagError) as partial:
        partial.write_text('new')
    with replacing(tmp_path / 'folder', InvalidBagError) as partial:
        partial.mkdir()
        (partial / 'part').write_text('whole')
    assert path.read_text() == 'new'
    assert sorted(entry.name for entry in tmp_path.iterdir()) == ['file', 'folder']
    with pytest.raises(InvalidBagError, match='cannot be written: No such file'):
        with replacing(tmp_path / 'none' / 'file', InvalidBagError) as partial:
            partial.write_text('x')


@pytest.mark.parametrize('path', ['.', '..', '/', ''])
def test_a_place_without_a_name_is_refused(tmp_path, monkeypatch, path):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(InvalidBagError, match='cannot be written: Is a directory'):
        with replacing(path, InvalidBagError) as place:
            place.write_text('x')
    assert not list(tmp_path.iterdir())


def test_what_a_killed_program_left_is_removed(tmp_path, caplog):
    (tmp_path / '.file.unfinished' / 'file').mkdir(parents=True)
    (tmp_path / '.file.unfinished' / 'file' / 'rest').write_text('torn')
    with replacing(tmp_path / 'file', InvalidBagError) as place:
        place.write_text('new')
    assert [entry.name for entry in tmp_path.iterdir()] == ['file']
    assert f'{tmp_path / "file"}: what an interrupted program left' in caplog.text


def test_a_full_disk_leaves_nothing_and_says_where(tmp_path, small_files):
    with pytest.raises(InvalidBagError, match='file: cannot be written: File too large'):
        with replacing(tmp_path / 'file', InvalidBagError) as place, small_files(1000):
            place.write_bytes(bytes(2000))
    assert not list(tmp_path.iterdir())


def test_who_waits_for_another_program_says_so(tmp_path):
    said = []
    is_waiting = Event()
    handler = SimpleNamespace(level=0, handle=lambda record: (said.append(record.getMessage()),
                                                              is_waiting.set()))

    def write(text):
        with replacing(tmp_path / 'file', InvalidBagError) as place:
            place.write_text(text)

    logger = logging.getLogger('bdc_occ_ros.files')
    logger.addHandler(handler)
    try:
        with (ThreadPoolExecutor(1) as other,
              replacing(tmp_path / 'file', InvalidBagError) as place):
            place.write_text('first')
            second = other.submit(write, 'second')
            assert is_waiting.wait(60)
            assert not second.done()
    finally:
        logger.removeHandler(handler)
    assert 'another program is writing there' in said[0]


def test_programs_that_write_the_same_do_so_one_after_the_other(tmp_path):
    path, num_rounds, num_inside = tmp_path / 'file', 50, []

    def write(letter):
        for _ in range(num_rounds):
            with replacing(path, InvalidBagError) as place:
                num_inside.append(len(list(place.parent.iterdir())))
                place.write_text(letter * 1000)
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(write, 'abc'))
    assert num_inside == [0] * 3 * num_rounds and len({*path.read_text()}) == 1
    assert [entry.name for entry in tmp_path.iterdir()] == ['file']
