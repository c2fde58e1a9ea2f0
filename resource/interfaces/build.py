# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""
Build tf2_msgs and vision_msgs, which the ROS wheels lack, into the running Python's environment.

An installed ROS has both packages of its own and needs nothing of this. The wheels bring ROS' own
generators, so the messages, their type support and their type hashes are the original ones. Only
the packing differs: where ROS installs six libraries per package, everything of a package goes
into the one extension module that Python loads. The result lies in site-packages and share like
that of any other interface package.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
import json
import os
from pathlib import Path
import shutil
import subprocess
import sys
import sysconfig
import tempfile

import numpy
import rosidl_adapter
import rosidl_generator_c
import rosidl_generator_py
import rosidl_generator_type_description
import rosidl_typesupport_c
import rosidl_typesupport_fastrtps_c
import rosidl_typesupport_introspection_c

FIELD_LISTS = Path(__file__).resolve().parent
DEPENDENCIES = ('builtin_interfaces', 'service_msgs', 'std_msgs', 'geometry_msgs')
TYPE_SUPPORTS = ('rosidl_typesupport_fastrtps_c', 'rosidl_typesupport_introspection_c')
RUNTIME_LIBRARIES = (
    *TYPE_SUPPORTS, 'rosidl_runtime_c', 'rosidl_typesupport_c', 'rcutils', 'rmw', 'fastcdr')
EXTENSION = '{}_s__rosidl_typesupport_c.so'
PREFIX = Path(sys.prefix)


def main() -> None:
    """Build every package that has field lists here."""
    with tempfile.TemporaryDirectory(prefix='interfaces_') as folder:
        python_includes = python_include_folders(Path(folder, 'python'))
        for package in sorted(path.parent.name for path in FIELD_LISTS.glob('*/msg')):
            work = Path(folder, package)
            generate(package, work)
            compile_extension(package, work, python_includes)
            install(package, work)
            print(f'built {package} into {PREFIX}')


def python_include_folders(work: Path) -> list[Path]:
    """
    Find Python.h, or fetch it for the Python of Debian and Ubuntu, which come without.

    Their headers are a package of their own; it is unpacked into a folder of the build, so that
    neither root nor an installed python3-dev is needed.

    :param work: Folder for headers that have to be fetched.
    :return: Folders that a compiler has to search.
    :raises SystemExit: if there are no headers and they cannot be fetched.
    """
    include = Path(sysconfig.get_paths()['include'])
    if (include / 'Python.h').is_file():
        return [include]
    version = f'{sys.version_info.major}.{sys.version_info.minor}'
    package = f'libpython{version}-dev'
    if sys.base_prefix != '/usr':
        raise SystemExit(
            f'{sys.executable} has no {include}/Python.h; use a Python that came with its headers')
    work.mkdir(parents=True, exist_ok=True)
    try:
        subprocess.run(['apt-get', 'download', '-q', package], cwd=work, check=True)
        archive = next(work.glob(f'{package}_*.deb'))
        subprocess.run(['dpkg-deb', '-x', archive, work], check=True)
    except (OSError, StopIteration, subprocess.CalledProcessError) as error:
        raise SystemExit(
            f'no {include}/Python.h, and the package {package} cannot be fetched ({error}); run '
            'apt-get update, or install python3-dev') from error
    return [work / 'usr/include' / f'python{version}', work / 'usr/include']


def generate(package: str, work: Path) -> None:
    """
    Generate the sources and type descriptions of one package.

    :param package: Name of a folder beside this file that holds msg/*.msg.
    :param work: Folder for everything generated; its last part is the package's name.
    """
    idl_tuples = []
    for field_list in sorted(FIELD_LISTS.glob(f'{package}/msg/*.msg')):
        relative = field_list.relative_to(FIELD_LISTS / package)
        rosidl_adapter.convert_to_idl(
            FIELD_LISTS / package, package, relative, work)
        shutil.copy(field_list, work / 'msg')
        idl_tuples.append(f'{work}:{relative.with_suffix(".idl")}')
    arguments = {
        'package_name': package,
        'output_dir': str(work),
        'idl_tuples': idl_tuples,
        'include_paths': [f'{name}:{PREFIX}/share/{name}' for name in DEPENDENCIES],
        'target_dependencies': [],
        'type_description_tuples': [
            f'{path.rsplit(":", 1)[1]}:{path.replace(":", "/")[:-4]}.json'
            for path in idl_tuples],
    }
    arguments_file = work / 'arguments.json'

    def write(generator: str) -> str:
        arguments['template_dir'] = f'{PREFIX}/share/{generator}/resource'
        arguments_file.write_text(json.dumps(arguments))
        for template in Path(arguments['template_dir']).glob('*__visibility_control.h.in'):
            (work / 'msg' / template.stem).write_text(
                template.read_text().replace('@PROJECT_NAME@', package)
                .replace('@PROJECT_NAME_UPPER@', package.upper()))
        return str(arguments_file)

    rosidl_generator_type_description.generate_type_hash(
        write('rosidl_generator_type_description'))
    rosidl_generator_c.generate_c(write('rosidl_generator_c'))
    rosidl_typesupport_fastrtps_c.generate_typesupport_fastrtps_c(
        write('rosidl_typesupport_fastrtps_c'))
    rosidl_typesupport_introspection_c.generate_c(write('rosidl_typesupport_introspection_c'))
    rosidl_typesupport_c.generate_c(write('rosidl_typesupport_c'), TYPE_SUPPORTS)
    rosidl_generator_py.generate_py(write('rosidl_generator_py'), ['rosidl_typesupport_c'])


def compile_extension(package: str, work: Path, python_includes: list[Path]) -> None:
    """
    Compile the generated sources into one Python extension module.

    :param package: Name of the interface package.
    :param work: Folder that generate() filled; the module is left there.
    :param python_includes: Folders with Python.h.
    :raises subprocess.CalledProcessError: if the compiler fails; its words go to the terminal.
    """
    include = PREFIX / 'include'
    folders = [work.parent, include, *(path for path in include.iterdir() if path.is_dir()),
               *python_includes, numpy.get_include()]
    flags = ['-O1', '-fPIC', '-w', *(f'-I{folder}' for folder in folders)]

    def compile_source(source: Path) -> str:
        compiler = ('g++', '-std=c++17') if source.suffix == '.cpp' else ('gcc', '-std=gnu11')
        subprocess.run([*compiler, *flags, '-c', source, '-o', f'{source}.o'], check=True)
        return f'{source}.o'

    sources = [path for path in sorted(work.rglob('*')) if path.suffix in ('.c', '.cpp')]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_source, sources))
    subprocess.run(
        ['g++', '-shared', '-s', '-o', work / EXTENSION.format(package), *objects,
         '-Wl,--as-needed', '-Wl,-rpath,$ORIGIN/../../..', f'-L{PREFIX}/lib',
         *(f'-l{library}' for library in libraries())],
        check=True)


def libraries() -> Iterator[str]:
    """Name every library of the wheels that generated code may call."""
    for dependency in DEPENDENCIES:
        for part in ('rosidl_generator_c', 'rosidl_generator_py', *TYPE_SUPPORTS):
            yield f'{dependency}__{part}'
    yield from RUNTIME_LIBRARIES


def install(package: str, work: Path) -> None:
    """
    Put the built package where Python and the ament index look for it.

    :param package: Name of the interface package.
    :param work: Folder with the generated modules and the compiled extension.
    """
    (work / '__init__.py').touch()
    site = Path(sysconfig.get_paths()['platlib'], package)
    share = PREFIX / 'share' / package
    for target, patterns in ((site, ('*.py', 'msg/*.py', '*.so')),
                             (share, ('msg/*.msg', 'msg/*.idl', 'msg/*.json'))):
        shutil.rmtree(target, ignore_errors=True)
        for source in (path for pattern in patterns for path in work.glob(pattern)):
            destination = target / source.relative_to(work)
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, destination)
    for type_support in TYPE_SUPPORTS:  # the names under which ROS opens its type supports
        link = PREFIX / 'lib' / f'lib{package}__{type_support}.so'
        link.unlink(missing_ok=True)
        link.symlink_to(site / EXTENSION.format(package))
    marker = PREFIX / 'share/ament_index/resource_index/packages' / package
    marker.parent.mkdir(parents=True, exist_ok=True)
    marker.touch()


if __name__ == '__main__':
    main()
