# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Open the library of GPU kernels, on a GPU that can run them.

BDC_OCC_CUDA_LIBRARY names another file than the one beside the package, built by
`python -m bdc_occ_ros.kernels.cuda_build --output FILE`.
"""

from collections.abc import Sequence
from ctypes import c_char_p, c_int32, c_void_p, POINTER
from functools import cache
import os
from pathlib import Path

import torch

from bdc_occ_ros.errors import BackendUnavailableError, InvalidOperationError, KernelLibraryError
from bdc_occ_ros.kernels.cuda_build import COMMAND, is_current, LIBRARY, SOURCES
from bdc_occ_ros.kernels.extension import extension_choice
from bdc_occ_ros.kernels.shared_library import open_shared_library
from bdc_occ_ros.kernels.structures import BdcConvolution, BdcStep

VARIABLE = 'BDC_OCC_CUDA_LIBRARY'
CURE = (f'build it with `{COMMAND}` on a machine with nvcc, or run on the CPU')
FIRST_CAPABILITY, FIRST_EMULATED = (8, 0), (10, 0)
_PROTOTYPES = {
    'bdc_cuda_abi_version': (c_int32,),
    'bdc_cuda_run': (c_int32, POINTER(BdcStep), c_int32, c_int32, c_void_p),
    'bdc_cuda_count': (c_int32, POINTER(BdcConvolution), c_void_p, c_void_p, c_int32, c_void_p),
    'bdc_cuda_error_text': (c_char_p, c_int32),
}


class CudaLibrary:
    """
    The functions of cuda/cuda_kernels.h, with errors instead of codes.

    :param path: A library that cuda_build.py made.
    :raises KernelLibraryError: if it is not there, cannot be loaded, or is not of these sources.
    """

    def __init__(self, path: Path) -> None:
        self._library = open_shared_library(
            path, _PROTOTYPES, 'bdc_cuda_abi_version', kind='GPU kernels', sources=SOURCES,
            is_current=is_current, cure=CURE)

    def run(self, steps: Sequence[BdcStep], device: torch.device) -> None:
        """
        Put steps on the current stream of a device, one behind the other.

        :param device: The GPU whose memory they point into.
        :raises InvalidOperationError: if a step is refused; then none is run.
        """
        stream = torch.cuda.current_stream(device).cuda_stream
        self.check(self._library.bdc_cuda_run(steps, len(steps), device.index, stream))

    def count(self, operation: BdcConvolution, weights: int, out: int,
              device: torch.device) -> None:
        """
        Put the integers of a convolution by plain bit counting on the current stream.

        :param weights: Address of (Co, k, k, words(Ci)) packed weights.
        :param out: Address of (N, H', W', Co) int32, written.
        :param device: The GPU whose memory they lie in.
        :raises InvalidOperationError: if the operation is refused.
        """
        stream = torch.cuda.current_stream(device).cuda_stream
        self.check(self._library.bdc_cuda_count(operation, weights, out, device.index, stream))

    def check(self, code: int) -> None:
        """
        Raise what a code means.

        :param code: Of any function of the library.
        :raises InvalidOperationError: if it is not 0.
        """
        if code:
            text = self._library.bdc_cuda_error_text(code).decode()
            raise InvalidOperationError(f'the GPU kernels refuse: {text} (code {code})')


def check_capability(capability: tuple[int, int], name: str) -> None:
    """
    Refuse a GPU without native products of bits.

    :param name: Its name, for the message.
    :raises BackendUnavailableError: below 8.0, and from 10.0 on.
    """
    shown = '.'.join(map(str, capability))
    if capability < FIRST_CAPABILITY:
        raise BackendUnavailableError(
            f'the GPU kernels need compute capability 8.0 to 9.x (Ampere, Orin, Ada, Hopper); '
            f'{name} has {shown}; run packed networks on the CPU')
    if capability >= FIRST_EMULATED:
        raise BackendUnavailableError(
            f'the GPU kernels need compute capability 8.0 to 9.x (Ampere, Orin, Ada, Hopper); '
            f'{name} has {shown}: tensor cores from 10.0 on (Blackwell, Thor) have no products '
            'of bits, and emulating them would be slower than eight bits; run the float network '
            'there, or packed networks on the CPU')


def load_cuda_library(device: torch.device) -> CudaLibrary:
    """
    Open the library once per process, after a look at the GPU.

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
    return _opened(Path(os.environ.get(VARIABLE) or LIBRARY))


@cache
def _opened(path: Path) -> CudaLibrary:
    """Open a library once."""
    return CudaLibrary(path)
