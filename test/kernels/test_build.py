# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Building the kernels: what is built when, and what is said when it cannot be."""

from pathlib import Path
import shutil
import stat
import subprocess
import sys

import pytest

from bdc_occ_ros.errors import InvalidSettingError, KernelBuildError, MissingDependencyError
from bdc_occ_ros.kernels import build
from bdc_occ_ros.kernels.build import CPU_BUILDER, CROSS_COMPILERS, find_compiler

ROOT = Path(__file__).resolve().parents[2]
HEAVY = ('torch', 'numpy', 'cv2', 'safetensors', 'yaml')


@pytest.fixture
def sources(tmp_path, monkeypatch):
    """Put a small source in the place of the kernels'."""
    folder = tmp_path / 'src'
    folder.mkdir()
    (folder / 'one.cpp').write_text(
        'extern "C" __attribute__((visibility("default"))) const char* identity() '
        '{ return BDC_BUILD_IDENTITY; }\n')
    monkeypatch.setattr(CPU_BUILDER, 'sources', folder)
    return folder


@pytest.fixture
def no_programs(monkeypatch, tmp_path):
    """Hide every program."""
    (tmp_path / 'empty').mkdir()
    monkeypatch.setenv('PATH', str(tmp_path / 'empty'))
    monkeypatch.delenv('CXX', raising=False)


def test_a_missing_compiler_is_named_with_the_cure(no_programs):
    with pytest.raises(MissingDependencyError, match=r'g\+\+ or c\+\+ is not there; install the '
                                                     r'package g\+\+.*BDC_OCC_EXTENSION=off'):
        find_compiler()
    with pytest.raises(MissingDependencyError, match='g[+][+]-aarch64-linux-gnu'):
        find_compiler('aarch64')


def test_a_compiler_named_by_cxx_is_taken_with_its_flags(monkeypatch, tmp_path):
    program = tmp_path / 'my-c++'
    program.touch()
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    monkeypatch.setenv('CXX', f'{program} -m64')
    assert find_compiler() == [str(program), '-m64']
    monkeypatch.setenv('CXX', 'no-such-compiler')
    with pytest.raises(MissingDependencyError, match='no-such-compiler is not there'):
        find_compiler()


def test_a_failing_compiler_speaks_for_itself_and_leaves_the_old_library(sources, tmp_path):
    library = tmp_path / 'lib.so'
    library.write_text('old')
    (sources / 'two.cpp').write_text('int nonsense = "text";\n')
    with pytest.raises(KernelBuildError, match=r'(?s)status 1: .*two\.cpp.*invalid conversion.*'
                                               'BDC_OCC_EXTENSION=off'):
        CPU_BUILDER.build(library)
    assert library.read_text() == 'old'
    assert sorted(path.name for path in tmp_path.iterdir()) == ['lib.so', 'src']


def test_symbols_that_are_nowhere_are_an_error(sources, tmp_path):
    (sources / 'two.cpp').write_text('int elsewhere();\nint two() { return elsewhere(); }\n')
    with pytest.raises(KernelBuildError, match='elsewhere'):
        CPU_BUILDER.build(tmp_path / 'lib.so')


def test_a_library_is_stale_as_soon_as_a_source_or_a_flag_changes(sources, tmp_path, monkeypatch):
    library = tmp_path / 'lib.so'
    assert not CPU_BUILDER.is_current(library)
    CPU_BUILDER.build(library)
    assert CPU_BUILDER.is_current(library)
    (sources / 'new.h').touch()
    assert not CPU_BUILDER.is_current(library)
    (sources / 'new.h').unlink()
    (sources / '.one.cpp.swp').touch()  # what editors leave behind is not installed
    (sources / '.#one.cpp').write_text('no C++')
    CPU_BUILDER.build(library)
    assert CPU_BUILDER.is_current(library)
    monkeypatch.setattr(CPU_BUILDER, 'flags', (*CPU_BUILDER.flags, '-DMORE'))
    assert not CPU_BUILDER.is_current(library)


def test_flags_ask_for_no_processor_and_no_sloppy_arithmetic():
    assert '-ffp-contract=off' in CPU_BUILDER.flags
    assert not [flag for flag in CPU_BUILDER.flags if flag.startswith('-m') or 'fast' in flag]


@pytest.mark.parametrize('choice, has_programs, is_wanted', (
    ('off', True, False), ('off', False, False), ('cpu', True, True), ('cpu', False, True),
    ('cuda', False, True), ('auto', True, True), ('auto', False, False)))
def test_choice_of_the_extension(choice, has_programs, is_wanted, monkeypatch, tmp_path):
    monkeypatch.setenv('BDC_OCC_EXTENSION', choice)
    monkeypatch.delenv('CXX', raising=False)
    if has_programs:
        (tmp_path / 'g++').touch()
        (tmp_path / 'g++').chmod(0o755)
    monkeypatch.setenv('PATH', str(tmp_path))
    assert CPU_BUILDER.is_wanted() == is_wanted


def test_auto_is_the_default_and_other_words_are_refused(monkeypatch):
    monkeypatch.delenv('BDC_OCC_EXTENSION', raising=False)
    assert build.extension_choice() == 'auto'
    monkeypatch.setenv('BDC_OCC_EXTENSION', 'gpu')
    with pytest.raises(InvalidSettingError, match="one of off, cpu, cuda, auto; got 'gpu'"):
        build.extension_choice()


def test_the_command_builds_nothing_when_switched_off(sources, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(CPU_BUILDER, 'library', tmp_path / 'lib.so')
    monkeypatch.setenv('BDC_OCC_EXTENSION', 'off')
    assert build.main([]) == 0
    assert 'no kernels are built' in capsys.readouterr().out and not CPU_BUILDER.library.exists()
    monkeypatch.setenv('BDC_OCC_EXTENSION', 'cpu')
    assert build.main([]) == 0
    assert CPU_BUILDER.is_current(CPU_BUILDER.library)


def test_the_command_reports_failures(sources, monkeypatch, capsys, no_programs):
    monkeypatch.setenv('BDC_OCC_EXTENSION', 'cpu')
    assert build.main([]) == 2
    assert 'needs a C++ compiler' in capsys.readouterr().err
    with pytest.raises(SystemExit):
        build.main(['--sanitize'])
    assert '--output' in capsys.readouterr().err


def test_the_library_in_use_is_built_for_another_processor_only_elsewhere(sources, tmp_path):
    if not shutil.which(CROSS_COMPILERS['aarch64']):
        pytest.skip('no cross compiler for aarch64')
    output = tmp_path / 'lib.so'
    assert build.main(['--target', 'aarch64', '--output', str(output)]) == 0
    assert output.read_bytes()[18:20] == b'\xb7\x00'  # EM_AARCH64


def test_building_needs_nothing_but_the_standard_library():
    program = (f'import sys\nfor name in {HEAVY}: sys.modules[name] = None\n'
               'import bdc_occ_ros.kernels.build\n')
    subprocess.run([sys.executable, '-c', program], check=True, cwd=ROOT)
