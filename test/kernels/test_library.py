# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Opening a library of kernels and choosing a backend, tried with a small made-up library."""

import pytest
import torch

from bdc_occ_ros.errors import (
    BackendUnavailableError,
    InvalidOperationError,
    InvalidSettingError,
    KernelLibraryError,
)
from bdc_occ_ros.kernels import library, selection
from bdc_occ_ros.kernels.build import CPU_BUILDER, CUDA_BUILDER

# It can run scalar and avx2, knows avx512, and refuses every list of steps longer than one.
SOURCE = '''
#include <string.h>
#include "bdc_kernels.h"
static const char* kNames[] = {"scalar", "avx2", "avx512", nullptr};
int32_t bdc_abi_version(void) { return BDC_ABI_VERSION; }
const char* bdc_backend_name(int32_t index) { return kNames[index]; }
int32_t bdc_backend_is_supported(const char* name) {
  return strcmp(name, "scalar") == 0 || strcmp(name, "avx2") == 0;
}
int64_t bdc_prepared_bytes(const char*, int32_t, int32_t, int32_t kernel) {
  return kernel == 3 ? 64 : -1;
}
int32_t bdc_prepare_weights(const char*, int32_t, int32_t, int32_t, const uint32_t*, void*) {
  return 5;
}
int32_t bdc_run(const char*, const bdc_step*, int32_t count, int32_t) { return count - 1; }
const char* bdc_error_text(int32_t) { return "too many steps"; }
int64_t bdc_roofline(const char*, int64_t) { return 0; }
const char* bdc_build_identity(void) { return BDC_BUILD_IDENTITY; }
'''


@pytest.fixture(autouse=True)
def no_settings(monkeypatch):
    for variable in ('BDC_OCC_EXTENSION', 'BDC_OCC_BACKEND', library.VARIABLE):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def sources(tmp_path, monkeypatch):
    folder = tmp_path / 'src'
    folder.mkdir()
    (folder / 'bdc_kernels.h').write_text((CPU_BUILDER.sources / 'bdc_kernels.h').read_text())
    (folder / 'stub.cpp').write_text(SOURCE)
    monkeypatch.setattr(CPU_BUILDER, 'sources', folder)
    return folder


@pytest.fixture
def stub(sources, tmp_path, monkeypatch):
    """Build the made-up library and let everybody find it."""
    path = tmp_path / 'lib.so'
    CPU_BUILDER.build(path)
    monkeypatch.setenv(library.VARIABLE, str(path))
    return path


def test_a_missing_library_says_how_to_build_it(tmp_path):
    with pytest.raises(KernelLibraryError, match='is missing: .*lib.so; build it with `python -m '
                                                 'bdc_occ_ros.kernels.build`'):
        library.KernelLibrary(tmp_path / 'lib.so')


def test_a_stale_library_says_how_to_build_it_again(stub, sources):
    library.KernelLibrary(stub)
    (sources / 'stub.cpp').write_text('// changed\n' + SOURCE)
    with pytest.raises(KernelLibraryError, match='is stale: .*python -m bdc_occ_ros.kernels.bui'):
        library.KernelLibrary(stub)


def test_a_library_with_another_interface_is_refused(sources, tmp_path):
    (sources / 'stub.cpp').write_text(SOURCE.replace('BDC_ABI_VERSION', '99'))
    CPU_BUILDER.build(tmp_path / 'lib.so')
    with pytest.raises(KernelLibraryError, match='version 99 of the interface, 1 is needed'):
        library.KernelLibrary(tmp_path / 'lib.so')


def test_what_is_no_library_is_refused(sources, tmp_path):
    path = tmp_path / 'lib.so'
    path.write_text(CPU_BUILDER.source_hash())
    with pytest.raises(KernelLibraryError, match='cannot be loaded'):
        library.KernelLibrary(path)
    (sources / 'stub.cpp').write_text(SOURCE.replace('bdc_run', 'bdc_walk'))
    CPU_BUILDER.build(path)
    with pytest.raises(KernelLibraryError, match='cannot be loaded.*bdc_run'):
        library.KernelLibrary(path)


def test_off_keeps_the_library_out(stub, monkeypatch):
    monkeypatch.setenv('BDC_OCC_EXTENSION', 'off')
    with pytest.raises(KernelLibraryError, match='off keeps the compiled kernels out'):
        library.load_library()


def test_the_library_is_opened_once(stub):
    assert library.load_library() is library.load_library()
    assert library.load_library().path == stub


def test_codes_become_errors(stub):
    opened = library.load_library()
    assert opened.backend_names() == ['scalar', 'avx2', 'avx512']
    assert opened.is_supported('scalar') and not opened.is_supported('avx512')
    weights = torch.zeros(32, 3, 3, 2, dtype=torch.int32)
    with pytest.raises(InvalidOperationError, match=r'avx2 has no convolution of \(32, 64, 2\)'):
        opened.prepare('avx2', weights[:, :2, :2].contiguous(), 64)
    with pytest.raises(InvalidOperationError, match=r'too many steps \(code 5\)'):
        opened.prepare('avx2', weights, 64)
    opened.run('avx2', (library.BdcStep * 1)(), 1)
    with pytest.raises(InvalidOperationError, match='too many steps'):
        opened.run('avx2', (library.BdcStep * 3)(), 1)


def test_the_best_backend_is_chosen_and_the_reason_said(stub):
    chosen = selection.choose_backend(threads=2)
    assert (chosen.backend.name, chosen.backend.threads) == ('avx2', 2)
    assert chosen.reason == ('backend avx2 on 2 threads, the best of reference, scalar, avx2 here')


@pytest.mark.parametrize('name', ('reference', 'scalar', 'avx2'))
def test_a_backend_can_be_forced(stub, monkeypatch, name):
    monkeypatch.setenv('BDC_OCC_BACKEND', name)
    chosen = selection.choose_backend()
    assert chosen.backend.name == name
    assert chosen.reason == f'backend {name}, since BDC_OCC_BACKEND names it'


def test_backends_that_are_not_here_are_refused_with_those_that_are(stub, monkeypatch):
    monkeypatch.setenv('BDC_OCC_BACKEND', 'avx512')
    with pytest.raises(BackendUnavailableError, match="no backend 'avx512'; it has scalar, avx2"):
        selection.choose_backend()
    monkeypatch.setenv('BDC_OCC_BACKEND', 'sse9')
    with pytest.raises(InvalidSettingError, match="got 'sse9'.*has reference, scalar, avx2"):
        selection.choose_backend()


@pytest.mark.skipif(torch.cuda.is_available(), reason='there is a GPU')
def test_cuda_is_refused_where_there_is_no_gpu(stub, monkeypatch):
    monkeypatch.setenv('BDC_OCC_BACKEND', 'cuda')
    with pytest.raises(BackendUnavailableError, match='finds no GPU'):
        selection.choose_backend()


def test_cuda_needs_the_library_of_gpu_kernels(stub, monkeypatch, tmp_path):
    monkeypatch.setenv('BDC_OCC_EXTENSION', 'cuda')
    monkeypatch.setattr(CUDA_BUILDER, 'library', tmp_path / 'gpu.so')
    with pytest.raises(KernelLibraryError, match='gpu.so, which is missing or stale; build it'):
        selection.choose_backend()
    other = tmp_path / 'other.so'
    other.write_text(CUDA_BUILDER.source_hash())
    monkeypatch.setenv(library.CUDA_VARIABLE, str(other))
    assert selection.choose_backend().backend.name == 'avx2'


def test_reference_runs_where_kernels_are_switched_off(stub, monkeypatch):
    monkeypatch.setenv('BDC_OCC_EXTENSION', 'off')
    chosen = selection.choose_backend()
    assert chosen.backend.name == 'reference'
    assert chosen.reason.endswith('since BDC_OCC_EXTENSION=off keeps the compiled kernels out')
    monkeypatch.setenv('BDC_OCC_BACKEND', 'scalar')
    with pytest.raises(KernelLibraryError):
        selection.choose_backend()


def test_reference_runs_only_where_nothing_could_be_built(monkeypatch, tmp_path):
    monkeypatch.setenv(library.VARIABLE, str(tmp_path / 'missing.so'))
    with pytest.raises(KernelLibraryError, match='is missing'):
        selection.choose_backend()
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.delenv('CXX', raising=False)
    assert 'nor a C++ compiler' in selection.choose_backend().reason
    monkeypatch.setenv('BDC_OCC_EXTENSION', 'cpu')
    with pytest.raises(KernelLibraryError, match='is missing'):
        selection.choose_backend()
