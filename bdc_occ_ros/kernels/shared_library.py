# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Open a compiled library of kernels once it is there, of these sources and of this interface."""

from collections.abc import Callable, Mapping
import ctypes
from pathlib import Path
from typing import Any

from bdc_occ_ros.errors import KernelLibraryError
from bdc_occ_ros.kernels.structures import ABI_VERSION


def open_shared_library(path: Path, prototypes: Mapping[str, tuple[Any, ...]], version: str, *,
                        kind: str, sources: Path, is_current: Callable[[Path], bool],
                        cure: str) -> ctypes.CDLL:
    """
    Open a library and declare its functions.

    :param prototypes: Result and arguments by name of the function.
    :param version: Name of the function that tells the version of the interface.
    :param kind: What the library is called in messages.
    :param sources: Folder that it is built of, for the message.
    :param is_current: Tells whether a library is of the sources as they are; asked before it is
        loaded.
    :param cure: How to get a good one, for the message.
    :raises KernelLibraryError: if it is not there, stale, not to be loaded, or of another version.
    """
    if not path.is_file():
        raise KernelLibraryError(f'the library of {kind} is missing: {path}; {cure}')
    if not is_current(path):
        raise KernelLibraryError(
            f'{path} is stale: {sources} has changed since it was built; {cure}')
    try:
        library = ctypes.CDLL(str(path))
        for name, (result, *arguments) in prototypes.items():
            function = getattr(library, name)
            function.restype, function.argtypes = result, arguments
    except (OSError, AttributeError) as error:
        raise KernelLibraryError(f'{path} cannot be loaded ({error}); {cure}') from error
    found = getattr(library, version)()
    if found != ABI_VERSION:
        raise KernelLibraryError(
            f'{path} has version {found} of the interface, {ABI_VERSION} is needed; {cure}')
    return library
