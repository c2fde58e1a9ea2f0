# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Every backend to compare with the reference: those of this processor, and those for aarch64.

A test that asks for `backend` runs once per backend. What this processor lacks is skipped; those
for aarch64 run under qemu on any other machine that has the cross compiler.
"""

from pathlib import Path
import platform

import cuda_disassembly
import pytest
import qemu_backend
import torch

from bdc_occ_ros.kernels.build import CUDA_BUILDER, extension_choice
from bdc_occ_ros.kernels.library import load_library
from bdc_occ_ros.kernels.native import NativeBackend

AARCH64 = ('scalar', 'neon', 'neon_dotprod')
NATIVE = {'x86_64': ('scalar', 'avx2', 'avx512'), 'aarch64': AARCH64}
IS_EMULATED = platform.machine() != 'aarch64'
EMULATION = Path(__file__).parents[2] / 'build' / 'aarch64'
CPU = 'cortex-a76'  # with dot products; cortex-a72 is without
THREADS = 2


@pytest.fixture(autouse=True, scope='module')
def one_torch_thread():
    """Keep the threads of torch, which spin, away from those of the kernels."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope='session')
def aarch64_runner() -> Path:
    """Return the program that runs the kernels for aarch64, or skip."""
    if missing := qemu_backend.missing_programs():
        pytest.skip(f'{" and ".join(missing)} not installed; `make test-aarch64` does that and '
                    'runs the tests on aarch64')
    return qemu_backend.build_runner(EMULATION)


@pytest.fixture(scope='session')
def aarch64_library(aarch64_runner):
    """Return the kernels on a processor with dot products."""
    library = qemu_backend.QemuLibrary(aarch64_runner, CPU)
    yield library
    library.close()


@pytest.fixture(params=[*NATIVE.get(platform.machine(), ('scalar',)),
                        *(f'qemu-{name}' for name in AARCH64 if IS_EMULATED)])
def backend(request):
    """Return a backend that must compute what the reference computes, or skip."""
    name = request.param
    if name.startswith('qemu-'):
        return qemu_backend.QemuBackend(
            name.removeprefix('qemu-'), request.getfixturevalue('aarch64_library'), THREADS)
    if extension_choice() == 'off':
        pytest.skip('BDC_OCC_EXTENSION=off')
    library = load_library()
    if name not in library.backend_names():
        pytest.skip(f'{name} is not built in')
    if not library.is_supported(name):
        pytest.skip(f'this processor has no {name}')
    return NativeBackend(name, THREADS)


@pytest.fixture(scope='session')
def cuda_build_result(tmp_path_factory):
    """Compile the kernels for all GPUs, once; skip where there is no nvcc."""
    if not CUDA_BUILDER.has_compiler():
        pytest.skip('nvcc is neither on PATH nor in CUDA_HOME: no GPU kernels are compiled')
    library = tmp_path_factory.mktemp('cuda') / CUDA_BUILDER.library.name
    report = CUDA_BUILDER.build(library, extra_flags=['-Xptxas=-v'])
    return cuda_disassembly.BuildResult(library, report)
