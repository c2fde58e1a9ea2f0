# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""Install the package, its kernels, its share folder and its programs; floors only."""
from glob import glob
from pathlib import Path
import re
import sys

from setuptools import Extension, find_packages, setup
from setuptools.command.build_ext import build_ext

sys.path.insert(0, str(Path(__file__).resolve().parent))  # pip does not put it there

from bdc_occ_ros.kernels.build import BUILDERS

NAME = 'bdc_occ_ros'
VERSION = re.search(r"^__version__ = '(.+)'$", Path(NAME, '__init__.py').read_text(), re.M)[1]


def share(folder, *patterns):
    """Pair a folder below the share folder with the files that go there."""
    files = sorted(path for pattern in patterns for path in glob(pattern))
    return (f'share/{NAME}/{folder}'.rstrip('/'), files)


class BuildKernels(build_ext):
    """Compile the kernels with their own builder, which knows its sources and flags."""

    def get_ext_filename(self, fullname):
        """Return the path of a library below the build folder; its name is that of no Python."""
        return str(Path(*fullname.split('.')).with_suffix('.so'))

    def build_extension(self, ext):
        """Build the library; a compiler that fails ends the installation with its message."""
        library = Path(self.get_ext_fullpath(ext.name))
        builder, = (each for each in BUILDERS.values() if each.library.name == library.name)
        if not builder.is_current(library):
            builder.build(library)


def kernels():
    """List the libraries that BDC_OCC_EXTENSION and the compilers found here ask for."""
    return [Extension(f'{NAME}.kernels.{builder.library.stem}', sources=[])
            for builder in BUILDERS.values() if builder.is_wanted()]


setup(
    name=NAME,
    version=VERSION,
    packages=find_packages(include=[NAME, f'{NAME}.*']),
    package_data={NAME: ['kernels/src/*', 'kernels/cuda/*']},
    ext_modules=kernels(),
    cmdclass={'build_ext': BuildKernels},
    options={'bdist_wheel': {'py_limited_api': 'cp310'}},  # the library calls no Python
    data_files=[
        ('share/ament_index/resource_index/packages', [f'resource/{NAME}']),
        share('', 'package.xml'),
        share('launch', 'launch/*.launch.py'),
        share('config', 'config/*.yaml', 'config/*.rviz', 'config/*.xml'),
        share('models', 'models/*.yaml', 'models/*.safetensors', 'models/*.md'),
        share('resource/interfaces/vision_msgs/msg', 'resource/interfaces/vision_msgs/msg/*.msg'),
    ],
    python_requires='>=3.10',
    install_requires=[
        'setuptools',
        'numpy>=1.21.5',
        'opencv-python-headless>=4.5.4',
        'Pillow>=9.0',
        'PyYAML>=5.4',
        'safetensors>=0.4',
        'torch>=2.4',
        'tqdm>=4.57',
    ],
    extras_require={
        'bench': ['onnx>=1.14', 'onnxruntime>=1.17', 'openvino>=2024.0'],
        'nuscenes': ['nuscenes-devkit>=1.2'],
        'demo': ['matplotlib>=3.5', 'rerun-sdk>=0.23', 'rosbags>=0.11.9'],
        'test': ['pytest>=7.4', 'ruff'],
    },
    tests_require=['pytest'],
    zip_safe=False,
    author='The bdc_occ_ros authors',
    maintainer='The bdc_occ_ros authors',
    maintainer_email='bdc_occ_ros@users.noreply.github.com',
    description='Semantic occupancy and boxes from six cameras by a binarized network',
    license='Apache-2.0',
    entry_points={
        'console_scripts': [
            f'bdc-occ = {NAME}.cli.__main__:main',
            f'occ_node = {NAME}.ros.node:main',
        ],
    },
)
