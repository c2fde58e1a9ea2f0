# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Choose what runs packed operations on this machine, and say why; BDC_OCC_BACKEND forces one."""

from functools import cache
import os
from pathlib import Path
from typing import NamedTuple

import torch

from bdc_occ_ros.errors import InvalidSettingError, KernelLibraryError
from bdc_occ_ros.kernels.build import CPU_BUILDER, CUDA_BUILDER, extension_choice
from bdc_occ_ros.kernels.cuda_backend import CudaBackend
from bdc_occ_ros.kernels.library import cuda_library_path, library_path, load_library
from bdc_occ_ros.kernels.native import NativeBackend
from bdc_occ_ros.kernels.operations import Backend
from bdc_occ_ros.kernels.reference import ReferenceBackend

VARIABLE = 'BDC_OCC_BACKEND'
REFERENCE = 'reference'
NATIVE = ('scalar', 'avx2', 'avx512', 'neon', 'neon_dotprod')
CUDA = 'cuda'
NAMES = (REFERENCE, *NATIVE, CUDA)


class ChosenBackend(NamedTuple):
    """
    Hold a backend and the reason for it.

    :param reason: One sentence for the log.
    """

    backend: Backend
    reason: str


@cache
def has_bfloat16() -> bool:
    """Return whether this processor computes in bfloat16; others emulate it slowly."""
    flags = Path('/proc/cpuinfo').read_text().split()
    return not {'avx512_bf16', 'amx_bf16', 'bf16'}.isdisjoint(flags)  # the last on aarch64


def supported_backends() -> list[str]:
    """
    Name what this machine can run, best last.

    :raises KernelLibraryError: if the library is needed and cannot be used.
    """
    if _reason_for_no_library():
        return [REFERENCE]
    library = load_library()
    return [REFERENCE, *filter(library.is_supported, library.backend_names())]


def choose_backend(threads: int | None = None) -> ChosenBackend:
    """
    Choose what BDC_OCC_BACKEND names, or else the best for tensors of the CPU.

    The one named cuda takes tensors of a GPU and is therefore never chosen by itself.

    :param threads: How many cores an operation is spread over; None for as many as PyTorch uses.
    :raises InvalidSettingError: if BDC_OCC_BACKEND names no backend.
    :raises BackendUnavailableError: if this machine cannot run what it names.
    :raises KernelLibraryError: if a library is needed and cannot be used.
    """
    library = cuda_library_path()
    if extension_choice() == 'cuda' and not CUDA_BUILDER.is_current(library):
        raise KernelLibraryError(
            f'BDC_OCC_EXTENSION=cuda needs {library}, which is missing or stale; build it with '
            f'`{CUDA_BUILDER.command}`, or choose cpu or auto')
    threads = threads or torch.get_num_threads()
    if forced := os.environ.get(VARIABLE):
        return ChosenBackend(_forced(forced, threads),
                             f'backend {forced}, since {VARIABLE} names it')
    if reason := _reason_for_no_library():
        return ChosenBackend(ReferenceBackend(), f'backend {REFERENCE}, since {reason}')
    *others, best = supported_backends()
    return ChosenBackend(
        NativeBackend(best, threads),
        f'backend {best} on {threads} threads, the best of {", ".join([*others, best])} here')


def _forced(name: str, threads: int) -> Backend:
    if name not in NAMES:
        raise InvalidSettingError(f'{VARIABLE} is one of {", ".join(NAMES)}; got {name!r}. '
                                  f'This machine has {", ".join(supported_backends())}')
    if name == CUDA:
        return CudaBackend()
    if name == REFERENCE:
        return ReferenceBackend()
    return NativeBackend(name, threads)


def _reason_for_no_library() -> str:
    """Return why there need not be a library, or nothing if there must be one."""
    if extension_choice() == 'off':
        return 'BDC_OCC_EXTENSION=off keeps the compiled kernels out'
    if not CPU_BUILDER.is_wanted() and not library_path().is_file():
        return f'there is neither {CPU_BUILDER.library.name} nor a C++ compiler to build it'
    return ''
