# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Find and open the library of CPU kernels, and refuse one that is not of these sources.

BDC_OCC_KERNELS_LIBRARY names another file than the one beside the package, built by
`python -m bdc_occ_ros.kernels.build --output FILE`: that is how a build with sanitizers is tested.
"""

from collections.abc import Sequence
from ctypes import c_char_p, c_int32, c_int64, c_void_p, POINTER
from functools import cache
import os
from pathlib import Path

from bdc_occ_ros.errors import InvalidOperationError, KernelLibraryError
from bdc_occ_ros.kernels.build import COMMAND, is_current, LIBRARY, SOURCES
from bdc_occ_ros.kernels.extension import extension_choice
from bdc_occ_ros.kernels.shared_library import open_shared_library
from bdc_occ_ros.kernels.structures import BdcStep

VARIABLE = 'BDC_OCC_KERNELS_LIBRARY'
CURE = (f'build it with `{COMMAND}` (an installed package: install it again), or set '
        'BDC_OCC_EXTENSION=off to do without the kernels')
_PROTOTYPES = {
    'bdc_abi_version': (c_int32,),
    'bdc_backend_name': (c_char_p, c_int32),
    'bdc_backend_is_supported': (c_int32, c_char_p),
    'bdc_prepared_bytes': (c_int64, c_char_p, c_int32, c_int32, c_int32),
    'bdc_prepare_weights': (c_int32, c_char_p, c_int32, c_int32, c_int32, c_void_p, c_void_p),
    'bdc_run': (c_int32, c_char_p, POINTER(BdcStep), c_int32, c_int32),
    'bdc_error_text': (c_char_p, c_int32),
    'bdc_roofline': (c_int64, c_char_p, c_int64),
}


class KernelLibrary:
    """
    The functions of src/bdc_kernels.h, with errors instead of codes.

    :param path: A library that build.py made.
    :raises KernelLibraryError: if it is not there, cannot be loaded, or is not of these sources.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._library = open_shared_library(
            path, _PROTOTYPES, 'bdc_abi_version', kind='CPU kernels', sources=SOURCES,
            is_current=is_current, cure=CURE)

    def backend_names(self) -> list[str]:
        """Return what is built in, best last."""
        names: list[str] = []
        while (name := self._library.bdc_backend_name(len(names))) is not None:
            names.append(name.decode())
        return names

    def is_supported(self, backend: str) -> bool:
        """
        Return whether this machine can run a backend.

        :param backend: Its name; False for one that is not built in.
        """
        return self._library.bdc_backend_is_supported(backend.encode()) == 1

    def prepared_bytes(self, backend: str, out_channels: int, in_channels: int,
                       kernel: int) -> int:
        """
        Return how much memory prepared weights take.

        :param backend: Which will run them.
        :param kernel: 1 or 3.
        """
        size = self._library.bdc_prepared_bytes(backend.encode(), out_channels, in_channels,
                                                kernel)
        if size < 0:
            raise InvalidOperationError(
                f'{backend} has no {kernel}x{kernel} convolution of {in_channels} to '
                f'{out_channels} channels')
        return size

    def prepare_weights(self, backend: str, out_channels: int, in_channels: int, kernel: int,
                        words: int, prepared: int) -> None:
        """
        Reorder the weights of a convolution for a backend.

        :param backend: Which will run them.
        :param kernel: 1 or 3.
        :param words: Address of (Co, k, k, words(Ci)) packed weights.
        :param prepared: Address of prepared_bytes bytes, a multiple of 64.
        """
        self._check(self._library.bdc_prepare_weights(
            backend.encode(), out_channels, in_channels, kernel, words, prepared))

    def run(self, backend: bytes, steps: Sequence[BdcStep], threads: int) -> None:
        """
        Run steps one after the other.

        :param backend: Name of one that this machine can run.
        :param threads: At least 1; the calling thread is one of them.
        :raises InvalidOperationError: if a step is refused; then none is run.
        """
        self._check(self._library.bdc_run(backend, steps, len(steps), threads))

    def roofline(self, backend: str, rounds: int) -> int:
        """
        Compare and count bits as fast as a backend's instructions can, on this thread.

        :param rounds: How long; one takes less than a microsecond.
        :return: How many products of two bits that was; 0 where there is no such measure.
        """
        return self._library.bdc_roofline(backend.encode(), rounds)

    def _check(self, code: int) -> None:
        """Raise what a code means."""
        if code:
            raise InvalidOperationError(
                f'the kernels refuse: {self._library.bdc_error_text(code).decode()} '
                f'(code {code})')


def library_path() -> Path:
    """Return where the library must be: beside this file, or what BDC_OCC_KERNELS_LIBRARY says."""
    return Path(os.environ.get(VARIABLE) or LIBRARY)


def load_library() -> KernelLibrary:
    """
    Open the library once per process.

    :raises KernelLibraryError: if it is switched off, missing, stale or of another version.
    """
    if extension_choice() == 'off':
        raise KernelLibraryError('BDC_OCC_EXTENSION=off keeps the compiled kernels out; unset it')
    return _opened(library_path())


@cache
def _opened(path: Path) -> KernelLibrary:
    """Open a library once."""
    return KernelLibrary(path)
