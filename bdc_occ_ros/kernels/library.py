# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Load the libraries of kernels, and refuse one that is not of these sources.

BDC_OCC_KERNELS_LIBRARY and BDC_OCC_CUDA_LIBRARY name other files than those beside the package,
built by `python -m bdc_occ_ros.kernels.build [cpu|cuda] --output FILE`: that is how a build with
sanitizers is tested.
"""

from collections.abc import Sequence
import ctypes
from ctypes import c_char_p, c_int32, c_int64, c_void_p, POINTER
from functools import cache
import os
from pathlib import Path
from typing import Any, ClassVar

import torch
from torch import Tensor

from bdc_occ_ros.errors import BackendUnavailableError, InvalidOperationError, KernelLibraryError
from bdc_occ_ros.kernels.build import (
    CPU_BUILDER,
    CUDA_BUILDER,
    extension_choice,
    LibraryBuilder,
)
from bdc_occ_ros.kernels.structures import ABI_VERSION, BdcConvolution, BdcStep

VARIABLE = 'BDC_OCC_KERNELS_LIBRARY'
CUDA_VARIABLE = 'BDC_OCC_CUDA_LIBRARY'
ALIGNMENT = 64
FIRST_CAPABILITY, FIRST_EMULATED = (8, 0), (10, 0)


class SharedLibrary:
    """
    Load a library of these sources and this interface; turn its error codes into exceptions.

    :param path: Made by the builder.
    :raises KernelLibraryError: if it is not there, cannot be loaded, or is not of these sources.
    """

    builder: ClassVar[LibraryBuilder]
    prefix: ClassVar[str]
    prototypes: ClassVar[dict[str, tuple[Any, ...]]]  # result and arguments
    cure: ClassVar[str]

    def __init__(self, path: Path) -> None:
        self.path = path
        if not path.is_file():
            raise KernelLibraryError(
                f'the library of {self.builder.kind} is missing: {path}; {self.cure}')
        if not self.builder.is_current(path):
            raise KernelLibraryError(f'{path} is stale: {self.builder.sources} has changed since '
                                     f'it was built; {self.cure}')
        try:
            self._library = ctypes.CDLL(str(path))
            for name, (result, *arguments) in self.prototypes.items():
                function = getattr(self._library, self.prefix + name)
                function.restype, function.argtypes = result, arguments
        except (OSError, AttributeError) as error:
            raise KernelLibraryError(f'{path} cannot be loaded ({error}); {self.cure}') from error
        if (found := self.call('abi_version')) != ABI_VERSION:
            raise KernelLibraryError(f'{path} has version {found} of the interface, '
                                     f'{ABI_VERSION} is needed; {self.cure}')

    def call(self, name: str, *arguments: Any) -> Any:
        """Call a function by its name without prefix."""
        return getattr(self._library, self.prefix + name)(*arguments)

    def check(self, code: int) -> None:
        """Raise InvalidOperationError with what a code means, unless it is 0."""
        if code:
            raise InvalidOperationError(f'the {self.builder.kind} refuse: '
                                        f'{self.call("error_text", code).decode()} (code {code})')


class KernelLibrary(SharedLibrary):
    """Call the functions of src/bdc_kernels.h."""

    builder = CPU_BUILDER
    prefix = 'bdc_'
    prototypes = {
        'abi_version': (c_int32,),
        'backend_name': (c_char_p, c_int32),
        'backend_is_supported': (c_int32, c_char_p),
        'prepared_bytes': (c_int64, c_char_p, c_int32, c_int32, c_int32),
        'prepare_weights': (c_int32, c_char_p, c_int32, c_int32, c_int32, c_void_p, c_void_p),
        'run': (c_int32, c_char_p, POINTER(BdcStep), c_int32, c_int32),
        'error_text': (c_char_p, c_int32),
        'roofline': (c_int64, c_char_p, c_int64),
    }
    cure = (f'build it with `{CPU_BUILDER.command}` (an installed package: install it again), or '
            'set BDC_OCC_EXTENSION=off to do without the kernels')

    def backend_names(self) -> list[str]:
        """Return the names of the backends that are built in, best last."""
        names: list[str] = []
        while (name := self.call('backend_name', len(names))) is not None:
            names.append(name.decode())
        return names

    def is_supported(self, backend: str) -> bool:
        """Return whether this machine can run a backend; False for one that is not built in."""
        return self.call('backend_is_supported', backend.encode()) == 1

    def prepare(self, backend: str, weights: Tensor, in_channels: int) -> Tensor:
        """
        Reorder packed weights for a backend.

        :param weights: (Co, k, k, words(Ci)) int32, contiguous, on the CPU; k is 1 or 3.
        :return: Bytes at an address that is a multiple of ALIGNMENT.
        """
        sizes = len(weights), in_channels, weights.shape[1]
        size = self.call('prepared_bytes', backend.encode(), *sizes)
        if size < 0:
            raise InvalidOperationError(f'{backend} has no convolution of {sizes}')
        memory = torch.empty(size + ALIGNMENT, dtype=torch.uint8)
        prepared = memory[-memory.data_ptr() % ALIGNMENT:][:size]
        self.check(self.call('prepare_weights', backend.encode(), *sizes, weights.data_ptr(),
                             prepared.data_ptr()))
        return prepared

    def run(self, backend: str, steps: Sequence[BdcStep], threads: int) -> None:
        """Run steps that a Lowering has checked, on at least one thread, that of the caller."""
        self.check(self.call('run', backend.encode(), steps, len(steps), threads))

    def roofline(self, backend: str, rounds: int) -> int:
        """
        Compare and count bits as fast as a backend's instructions can, on this thread.

        :param rounds: How long; one takes less than a microsecond.
        :return: How many products of two bits that was; 0 where there is no such measure.
        """
        return self.call('roofline', backend.encode(), rounds)


class CudaLibrary(SharedLibrary):
    """Call the functions of cuda/cuda_kernels.h."""

    builder = CUDA_BUILDER
    prefix = 'bdc_cuda_'
    prototypes = {
        'abi_version': (c_int32,),
        'run': (c_int32, POINTER(BdcStep), c_int32, c_int32, c_void_p),
        'count': (c_int32, POINTER(BdcConvolution), c_void_p, c_void_p, c_int32, c_void_p),
        'error_text': (c_char_p, c_int32),
    }
    cure = f'build it with `{CUDA_BUILDER.command}` on a machine with nvcc, or run on the CPU'

    def run(self, steps: Sequence[BdcStep], device: torch.device) -> None:
        """Put steps that a CudaLowering has checked on the current stream of their device."""
        stream = torch.cuda.current_stream(device).cuda_stream
        self.check(self.call('run', steps, len(steps), device.index, stream))


def check_capability(capability: tuple[int, int], name: str) -> None:
    """
    Refuse a GPU without native products of bits.

    :param name: Its name, for the message.
    :raises BackendUnavailableError: below 8.0, and from 10.0 on.
    """
    if FIRST_CAPABILITY <= capability < FIRST_EMULATED:
        return
    reason = '; run packed networks on the CPU'
    if capability >= FIRST_EMULATED:
        reason = (': tensor cores from 10.0 on (Blackwell, Thor) have no products of bits, and '
                  'emulating them would be slower than eight bits; run the float network there, '
                  'or packed networks on the CPU')
    raise BackendUnavailableError(
        'the GPU kernels need compute capability 8.0 to 9.x (Ampere, Orin, Ada, Hopper); '
        f'{name} has {".".join(map(str, capability))}{reason}')


def library_path() -> Path:
    """Return where the library of CPU kernels must be: beside this file, or what VARIABLE says."""
    return Path(os.environ.get(VARIABLE) or CPU_BUILDER.library)


def cuda_library_path() -> Path:
    """Return where the library of GPU kernels must be, in the same way, by CUDA_VARIABLE."""
    return Path(os.environ.get(CUDA_VARIABLE) or CUDA_BUILDER.library)


def load_library() -> KernelLibrary:
    """
    Open the library of CPU kernels once per process.

    :raises KernelLibraryError: if it is switched off, missing, stale or of another version.
    """
    if extension_choice() == 'off':
        raise KernelLibraryError('BDC_OCC_EXTENSION=off keeps the compiled kernels out; unset it')
    return _opened(KernelLibrary, library_path())


def load_cuda_library(device: torch.device) -> CudaLibrary:
    """
    Open the library of GPU kernels once per process, after a look at the GPU.

    :param device: The GPU, with its index.
    :raises BackendUnavailableError: if there is no GPU, or none that can run the kernels.
    :raises KernelLibraryError: if the library is switched off, missing, stale or of another
        version.
    """
    if extension_choice() in ('off', 'cpu'):
        raise KernelLibraryError(
            f'BDC_OCC_EXTENSION={extension_choice()} keeps the GPU kernels out; unset it')
    if device.type != 'cuda' or not torch.cuda.is_available():
        raise BackendUnavailableError(f'PyTorch finds no GPU {device} here; run on the CPU')
    check_capability(torch.cuda.get_device_capability(device), torch.cuda.get_device_name(device))
    return _opened(CudaLibrary, cuda_library_path())


@cache
def _opened(kind: type[SharedLibrary], path: Path) -> SharedLibrary:
    return kind(path)
