# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The library for GPUs: when it is built, what the compiler made of it, what it refuses."""

import os
import re
import subprocess

import cuda_disassembly
import pytest
import torch

from bdc_occ_ros.errors import (
    BackendUnavailableError,
    InvalidOperationError,
    KernelBuildError,
    KernelLibraryError,
    MissingDependencyError,
)
from bdc_occ_ros.kernels import build, library
from bdc_occ_ros.kernels.build import CUDA_BUILDER, CUDA_TARGETS

PRODUCTS = {'80': 'XOR', '86': 'XOR', '87': 'XOR', '89': 'XOR', '90': 'AND'}
# 2 x 8 fragments per step of 256 bits, on 9.0 two more for the bits of the windows.
PRODUCTS_PER_STEP = {'XOR': 16, 'AND': 18}
STEPS_PER_STAGE = 2
NUM_CONVOLUTION_KERNELS = 6


@pytest.fixture
def no_nvcc(monkeypatch, tmp_path):
    """Hide nvcc."""
    monkeypatch.setenv('PATH', str(tmp_path))
    monkeypatch.delenv('CUDA_HOME', raising=False)
    monkeypatch.setattr(build, 'NVCC_FOLDERS', (f'{tmp_path}/cuda/bin',))


def test_without_nvcc_auto_leaves_the_gpu_out_and_says_so(no_nvcc, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv('BDC_OCC_EXTENSION', 'auto')
    monkeypatch.setattr(CUDA_BUILDER, 'library', tmp_path / 'lib.so')
    assert build.main(['cuda']) == 0
    assert 'no GPU kernels are built' in capsys.readouterr().out
    assert not CUDA_BUILDER.library.exists()


def test_without_nvcc_cuda_is_an_error_with_the_cure(no_nvcc, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv('BDC_OCC_EXTENSION', 'cuda')
    with pytest.raises(MissingDependencyError, match='nvcc, and it is neither on PATH nor in '
                                                     r'\$CUDA_HOME/bin nor in .*; install .*=cpu'):
        CUDA_BUILDER.build(tmp_path / 'lib.so')
    assert build.main(['cuda', '--output', str(tmp_path / 'lib.so')]) == 2
    assert 'needs nvcc' in capsys.readouterr().err


@pytest.mark.parametrize('choice', ['off', 'cpu'])
def test_other_choices_build_nothing_for_the_gpu(choice, monkeypatch):
    monkeypatch.setenv('BDC_OCC_EXTENSION', choice)
    assert not CUDA_BUILDER.is_wanted()


@pytest.mark.parametrize('folder', ['toolkit', 'cuda'])
def test_nvcc_is_found_in_cuda_home_and_where_jetpack_has_it(no_nvcc, monkeypatch, tmp_path,
                                                             folder):
    nvcc = tmp_path / folder / 'bin' / 'nvcc'
    nvcc.parent.mkdir(parents=True)
    nvcc.write_text('#!/bin/sh\necho no such target >&2\nexit 3\n')
    nvcc.chmod(0o755)
    monkeypatch.setenv('CUDA_HOME', str(tmp_path / 'toolkit'))
    assert CUDA_BUILDER.find_compiler() == [str(nvcc)]
    with pytest.raises(KernelBuildError, match='(?s)status 3.*no such target.*CUDA 12.0'):
        CUDA_BUILDER.build(tmp_path / 'lib.so')
    assert not (tmp_path / 'lib.so').exists()


@pytest.mark.parametrize(('capability', 'reason'), [
    ((7, 5), '7.5; run packed networks on the CPU'),
    ((10, 0), '10.0: tensor cores from 10.0 on .Blackwell, Thor. have no products of bits'),
    ((11, 0), '11.0: tensor cores'), ((12, 0), '12.0: tensor cores')])
def test_gpus_without_native_products_are_refused(capability, reason):
    with pytest.raises(BackendUnavailableError, match=f'name has {reason}'):
        library.check_capability(capability, 'name')


@pytest.mark.parametrize('capability', [(8, 0), (8, 6), (8, 7), (8, 9), (9, 0)])
def test_gpus_with_native_products_are_taken(capability):
    library.check_capability(capability, 'name')


def test_no_gpu_is_an_error_with_the_cure(monkeypatch):
    monkeypatch.setattr(torch.cuda, 'is_available', lambda: False)
    with pytest.raises(BackendUnavailableError, match='finds no GPU cuda:0 here; run on the CPU'):
        library.load_cuda_library(torch.device('cuda', 0))


@pytest.mark.parametrize('choice', ['off', 'cpu'])
def test_other_choices_load_nothing_for_the_gpu(choice, monkeypatch):
    monkeypatch.setenv('BDC_OCC_EXTENSION', choice)
    with pytest.raises(KernelLibraryError, match=f'={choice} keeps the GPU kernels out; unset'):
        library.load_cuda_library(torch.device('cuda', 0))


def test_missing_and_stale_libraries_are_refused(tmp_path):
    path = tmp_path / 'lib.so'
    with pytest.raises(KernelLibraryError, match='missing.*build it with'):
        library.CudaLibrary(path)
    path.write_bytes(b'old')
    with pytest.raises(KernelLibraryError, match='stale.*build it with'):
        library.CudaLibrary(path)


def test_the_library_loads_without_a_gpu_and_names_errors(cuda_build_result):
    opened = library.CudaLibrary(cuda_build_result.library)
    assert CUDA_BUILDER.is_current(cuda_build_result.library)
    opened.check(0)
    with pytest.raises(InvalidOperationError, match='refuse: invalid argument .code 1'):
        opened.check(1)


def test_no_kernel_spills_registers(cuda_build_result):
    spills = re.findall(r'(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill',
                        cuda_build_result.report)
    assert len(spills) >= len(PRODUCTS) * NUM_CONVOLUTION_KERNELS
    assert set(spills) == {('0', '0', '0')}


def test_there_is_machine_code_for_every_target_and_nothing_to_translate(cuda_build_result):
    program = cuda_disassembly.program_or_skip()
    listed = subprocess.run([program, '--list-elf', '--list-ptx', cuda_build_result.library],
                            capture_output=True, text=True, check=True).stdout
    assert set(re.findall(r'\.sm_(\d+)\.cubin', listed)) == set(CUDA_TARGETS)
    assert '.ptx' not in listed


@pytest.mark.parametrize('target', CUDA_TARGETS)
def test_convolutions_multiply_bits_natively(cuda_build_result, target):
    kernels = {name: code for name, code in cuda_build_result.machine_code(target).items()
               if 'convolution_kernel' in name}
    assert len(kernels) == NUM_CONVOLUTION_KERNELS
    native = PRODUCTS[target]
    for name, code in kernels.items():
        loop = cuda_disassembly.main_loop(code)
        products = [line for line in loop if 'MMA' in line]
        assert len(products) == PRODUCTS_PER_STEP[native] * STEPS_PER_STAGE, name
        assert all(f'BMMA.168256.{native}.POPC' in line for line in products), name
        assert any('LDGSTS' in line for line in loop), name
        assert sum('LDSM' in line for line in loop) == 6 * STEPS_PER_STAGE, name
        assert not cuda_disassembly.calls(code), name
        assert not any(re.search(r'\b(STL|LDL|RET)\b', line) for line in code), name


@pytest.mark.parametrize('target', CUDA_TARGETS)
def test_nothing_is_added_atomically_or_fused(cuda_build_result, target):
    code = [line for lines in cuda_build_result.machine_code(target).values() for line in lines]
    assert any('FADD' in line for line in code)
    assert not [line for line in code if re.search(r'\b(FFMA|ATOM|RED|ATOMG)\b', line)]


def test_the_scalar_oracle_counts_bits(cuda_build_result):
    kernels = cuda_build_result.machine_code('87')
    oracle, = (code for name, code in kernels.items() if 'count_kernel' in name)
    assert any('POPC' in line for line in oracle) and not any('MMA' in line for line in oracle)


@pytest.mark.skipif(not CUDA_BUILDER.has_compiler(), reason='nvcc is not installed')
def test_a_source_that_nvcc_refuses_is_an_error_with_its_message(tmp_path, monkeypatch):
    (tmp_path / 'wrong.cu').write_text('int f() { return no_such_name; }\n')
    monkeypatch.setattr(CUDA_BUILDER, 'sources', tmp_path)
    with pytest.raises(KernelBuildError, match='(?s)nvcc ended with status.*no_such_name'):
        CUDA_BUILDER.build(tmp_path / 'lib.so')
    assert os.listdir(tmp_path) == ['wrong.cu']
