# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Read files that strangers made, within bounds; write files and folders whole or not at all."""

from collections.abc import Iterator
from contextlib import contextmanager, ExitStack, suppress
import fcntl
import io
import json
import logging
import lzma
import math
import os
from pathlib import Path
import pickle
import re
import reprlib
import shutil
import stat
import struct
from tokenize import TokenError
from typing import Any
import zipfile
import zlib

import numpy as np

from bdc_occ_ros.errors import BdcOccError, one_line

_LOGGER = logging.getLogger(__name__)
UNFINISHED = '.unfinished'  # how the names of hidden folders end that hold what is being written
MAX_DOCUMENT_BYTES = 2 ** 26
MAX_ARRAYS_BYTES = 2 ** 30
# What taking apart a damaged or crafted file can raise, in Python, numpy and PyTorch; numpy parses
# the header of an array as a Python literal. A BdcOccError is a ValueError.
DAMAGES = (OSError, EOFError, ValueError, TypeError, LookupError, AttributeError,
           ArithmeticError, RuntimeError, MemoryError, AssertionError, SyntaxError, TokenError,
           struct.error, pickle.PickleError, zlib.error, lzma.LZMAError, zipfile.BadZipFile)
_REPR = reprlib.Repr()
_REPR.maxlevel, _REPR.maxstring, _REPR.maxother = 3, 100, 100
_REPR.maxlist = _REPR.maxtuple = 8


def quoted(value: Any) -> str:
    """Return the representation of a value from outside, cut to what fits into a message."""
    try:
        return one_line(_REPR.repr(value))
    except ValueError:  # an integer of more digits than Python writes
        return f'<{type(value).__name__}>'


@contextmanager
def reading(where: str | Path, error: type[BdcOccError], cure: str = '') -> Iterator[None]:
    """
    Turn whatever the content of a file raises while it is taken apart into one named error.

    Errors of our own keep their words; of others no more than a line is taken.

    :param where: The file, for the message.
    :param cure: What helps, as the end of the message.
    """
    try:
        yield
    except DAMAGES as damage:
        text = _words_of(damage)
        place = '' if text.startswith(str(where)) else f'{where}: '
        raise error(f'{place}{text}{cure and "; "}{cure}') from damage


def read_bytes(path: Path, error: type[BdcOccError],
               max_bytes: int = MAX_DOCUMENT_BYTES) -> bytes:
    """
    Read a regular file of bounded size; a pipe or a device is neither waited for nor read.

    :raises BdcOccError: of the given kind, if it is something else, larger, or cannot be read.
    """
    with reading(path, error):
        with open(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), 'rb') as file:
            status = os.fstat(file.fileno())
            if not stat.S_ISREG(status.st_mode):
                raise error(f'{path}: a regular file is needed; this is something else')
            if status.st_size > max_bytes:
                raise error(f'{path}: at most {max_bytes} bytes are read; it has '
                            f'{status.st_size}')
            return file.read(status.st_size)


def parse_json(text: str | bytes, where: str | Path, error: type[BdcOccError]) -> Any:
    """
    Parse JSON as its standard has it: no NaN, and no key twice.

    :raises BdcOccError: of the given kind.
    """
    try:
        return json.loads(text, object_pairs_hook=_without_repeated_keys,
                          parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as damage:
        raise error(f'{where}: not JSON: {one_line(str(damage))}') from damage


def read_json(path: Path, error: type[BdcOccError],
              max_bytes: int = MAX_DOCUMENT_BYTES) -> Any:
    """
    Read a JSON file as parse_json and read_bytes do.

    :raises BdcOccError: of the given kind.
    """
    return parse_json(read_bytes(path, error, max_bytes), path, error)


def read_arrays(path: Path, error: type[BdcOccError],
                max_bytes: int = MAX_ARRAYS_BYTES) -> dict[str, np.ndarray]:
    """
    Read the arrays of an .npz file; what they unpack to is bounded before any is unpacked.

    :raises BdcOccError: of the given kind, if it is damaged, too large or holds Python objects.
    """
    data = io.BytesIO(read_bytes(path, error, max_bytes))
    with reading(path, error), zipfile.ZipFile(data) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
        if size > max_bytes:
            raise error(f'{path}: unpacks to {size} bytes; at most {max_bytes} are read')
        for entry in archive.infolist():
            with archive.open(entry) as member:
                _check_array_header(member, entry)
        data.seek(0)
        with np.load(data, allow_pickle=False) as arrays:
            return dict(arrays)


@contextmanager
def writing(path: str | Path, error: type[BdcOccError],
            kept: str = 'nothing of it was kept') -> Iterator[None]:
    """
    Turn the failure to write a file or folder into one named error.

    :param kept: What is there afterwards, in words.
    """
    try:
        yield
    except OSError as damage:
        raise error(f'{path}: cannot be written: {damage.strerror or damage}; {kept}') from damage


@contextmanager
def replacing(path: str | Path, error: type[BdcOccError], *, parents: bool = False
              ) -> Iterator[Path]:
    """
    Offer a place of the same name to write a file or folder to; it takes its own at once or never.

    The place is a hidden folder beside it. What a killed program left there is removed first;
    another program that is writing the same is waited for.

    :param parents: Whether to make the folders that it lies in.
    :raises BdcOccError: of the given kind, if it cannot be written.
    """
    path = Path(path)
    hidden = path.parent / f'.{path.name}{UNFINISHED}'
    with writing(path, error), ExitStack() as stack:
        stack.callback(os.close, _locked(hidden, parents))
        stack.callback(shutil.rmtree, hidden)
        for torn in list(hidden.iterdir()):
            _LOGGER.warning('%s: what an interrupted program left of it is removed', path)
            shutil.rmtree(torn) if torn.is_dir() else torn.unlink()
        yield hidden / path.name
        os.replace(hidden / path.name, path)


def _locked(folder: Path, parents: bool) -> int:
    """Make a folder and lock it, until the file descriptor is closed that is returned."""
    while True:
        with suppress(FileExistsError):
            folder.mkdir(parents=parents)
        with suppress(FileNotFoundError):  # who had it before removes it
            holder = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(holder, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                _LOGGER.warning('%s: another program is writing there and is waited for', folder)
                fcntl.flock(holder, fcntl.LOCK_EX)
            if os.fstat(holder).st_nlink:
                return holder
            os.close(holder)


def _words_of(damage: Exception) -> str:
    if isinstance(damage, BdcOccError):
        return str(damage)
    if isinstance(damage, OSError):
        return f'cannot be read: {damage.strerror or damage}'
    if isinstance(damage, KeyError) and damage.args:
        return f'{quoted(damage.args[0])} is missing'
    if isinstance(damage, pickle.UnpicklingError):  # the rest is advice to open it all the same
        reason = re.search(r'GLOBAL \S+|Can only .*|Unsupported oper.*', str(damage))
        return ('more than tensors and plain values is in it, and opening that could run a '
                f'program ({one_line(reason[0]) if reason else type(damage).__name__})')
    return f'damaged ({one_line(str(damage)) or type(damage).__name__})'


def _without_repeated_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError(f'a key stands twice among {quoted([key for key, _ in pairs])}')
    return found


def _refuse_constant(name: str) -> None:
    raise ValueError(f'{name} is no number of JSON')


def _check_array_header(member: Any, entry: zipfile.ZipInfo) -> None:
    """Refuse an array that claims to be larger than its bytes."""
    version = np.lib.format.read_magic(member)
    read_header = (np.lib.format.read_array_header_1_0 if version == (1, 0)
                   else np.lib.format.read_array_header_2_0)
    shape, _, dtype = read_header(member)
    if math.prod(shape) * max(1, dtype.itemsize) > entry.file_size:
        raise ValueError(f'{entry.filename} claims the shape {quoted(shape)}, more than it holds')
