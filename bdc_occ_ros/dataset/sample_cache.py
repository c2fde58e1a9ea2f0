# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Cache preprocessed samples on disk, where decoding them again would take longer."""

from collections.abc import Callable
import hashlib
from pathlib import Path
from typing import Any

import numpy as np

from bdc_occ_ros.errors import InvalidDatasetError
from bdc_occ_ros.files import read_arrays, reading, replacing, writing


class SampleCache:
    """
    Cache arrays by key; several processes may use one folder.

    :param folder: Where; it is made.
    :param origin: All that decides what the samples are, with a repr that says so; a subfolder
        of its own belongs to it.
    """

    def __init__(self, folder: Path, origin: Any) -> None:
        self._folder = folder / hashlib.sha256(repr(origin).encode()).hexdigest()[:16]
        with writing(self._folder, InvalidDatasetError):
            self._folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str, make: Callable[[], dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
        """
        Return arrays by name.

        :param key: Which; part of a file's name.
        :param make: Makes them if they are not there yet.
        :raises InvalidDatasetError: if the file is damaged, or cannot be written.
        """
        path = self._folder / f'{key}.npz'
        if not path.is_file():
            arrays = make()
            with replacing(path, InvalidDatasetError) as place, place.open('wb') as file:
                np.savez(file, **arrays)
            return arrays
        with reading(path, InvalidDatasetError, 'delete it, and it will be made again'):
            return read_arrays(path, InvalidDatasetError)
