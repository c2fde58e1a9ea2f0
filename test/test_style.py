# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The rules of style that a program can check."""

import ast
from pathlib import Path
import re
import subprocess
import sys
from xml.etree import ElementTree

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[1]
FOLDERS = ('bdc_occ_ros', 'launch', 'config', 'models', 'resource/interfaces', 'test')
FILES = ('setup.py', 'package.xml', 'Makefile', 'requirements.txt', '.ci/run', '.ruff.toml')
WITHOUT_HEADER = ('.md', '.png', '.jpg', '.npz', '.safetensors', '.pyc', '.so')
MAX_FILE_LINES = 400
MAX_FUNCTION_LINES = 60
SPDX = ('SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors',
        'SPDX-License-Identifier: Apache-2.0')
VAGUE_NAMES = {'utils', 'util', 'misc', 'common', 'helpers', 'helper', 'tools'}
NO_VERBS = set(
    'a an the this that these those its their our all any both each either every no none some '
    'several such something everything it they one two three what whatever which who '
    'whoever whose when where whether why how about after as at before between beyond by for from '
    'in into like of on over per to up with within without'.split())


def files(*suffixes):
    """Return the source files with one of these endings; all of them for none."""
    found = [ROOT / name for name in FILES] + [
        path for folder in FOLDERS for path in (ROOT / folder).rglob('*')
        if path.is_file() and '__pycache__' not in path.parts]
    return sorted(path for path in found if not suffixes or path.suffix in suffixes)


def shown(path, line=None):
    return f'{path.relative_to(ROOT)}' + (f':{line}' if line else '')


def test_ruff_has_nothing_to_say():
    pytest.importorskip('ruff', reason='ruff is not installed')
    done = subprocess.run([sys.executable, '-m', 'ruff', 'check', '--no-cache', ROOT],
                          capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_source_file_has_the_two_line_header():
    sources = [path for path in files() if path.suffix not in WITHOUT_HEADER]
    assert len(sources) > 50
    without = [shown(path) for path in sources
               if not all(line in path.read_text()[:500] for line in SPDX)]
    assert without == []


def test_no_file_is_too_long():
    too_long = {shown(path): lines for path in files('.py')
                if (lines := len(path.read_text().splitlines())) > MAX_FILE_LINES}
    assert too_long == {}


def test_no_function_is_too_long():
    too_long = {
        shown(path, node.lineno): node.name for path in files('.py')
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno - node.lineno + 1 > MAX_FUNCTION_LINES}
    assert too_long == {}


def test_names_say_what_a_file_is_about():
    vague = [shown(path) for path in files('.py')
             if VAGUE_NAMES & {*path.relative_to(ROOT).parts, path.stem}]
    assert vague == []


def begins_with_a_verb(docstring):
    """Guess it from the first word, which a determiner, preposition, plural or 'does' is not."""
    found = re.match(r"[A-Za-z][\w'-]*", docstring)
    word = found[0].lower() if found else ''
    return bool(word) and word not in NO_VERBS and (word[-1] != 's' or word[-2:] == 'ss')


@pytest.mark.parametrize(('docstring', 'expected'), [
    ('Hold one message.', True), ('Process messages.', True), ('Compress an image.', True),
    ('One message.', False), ('What was counted.', False), ('Runs a chain.', False),
    ('Squares in a frame.', False), ('1x1 with a shortcut.', False), ('', False)])
def test_a_verb_is_told_from_other_beginnings(docstring, expected):
    assert begins_with_a_verb(docstring) is expected


def test_docstrings_begin_with_a_verb():
    documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef
    without = [f'{shown(path, getattr(node, "lineno", 1))} {docstring.splitlines()[0]}'
               for path in sorted((ROOT / 'bdc_occ_ros').rglob('*.py'))
               for node in ast.walk(ast.parse(path.read_text())) if isinstance(node, documented)
               if (docstring := ast.get_docstring(node)) is not None
               and not begins_with_a_verb(docstring)]
    assert not without, '\n'.join(without)


def test_nothing_is_left_for_later_and_no_path_is_somebodys_own():
    unwanted = re.compile('TO' 'DO|FIX' 'ME|XX' 'X|/(home|Users)/')
    found = [shown(path, number) for path in files('.py', '.xml', '.yaml', '.msg', '.md', '')
             for number, line in enumerate(path.read_text().splitlines(), 1)
             if unwanted.search(line)]
    assert found == []


@pytest.mark.parametrize('path', files('.xml'), ids=shown)
def test_xml_is_well_formed(path):
    ElementTree.parse(path)


@pytest.mark.parametrize('path', files('.yaml', '.rviz'), ids=shown)
def test_yaml_can_be_read(path):
    assert isinstance(yaml.safe_load(path.read_text()), dict)
