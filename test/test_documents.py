# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""README and doc/ tell the truth: their commands run, their links, names and tables hold."""

from fnmatch import fnmatch
import os
from pathlib import Path
import re
import shlex
import subprocess
import sys

import pytest
from room_table import README, ROOT, with_fresh_table

from bdc_occ_ros.cli.__main__ import build_parser, VERBS

PAGES = [README, *sorted((ROOT / 'doc').glob('*.md'))]
MAX_README_LINES, MAX_README_BYTES = 200, 16_384
NOT_RUN = '# not run by the tests: '
# Commands that are tests of their own.
RUN_ELSEWHERE = {'make demo': 'test/ros/replay/test_demo.py runs it', 'make test': 'this is it'}
NEEDED = {'training.md': 'nuscenes'}
MINUTES = 10


def blocks_of(page: Path) -> list[str]:
    """Return the shell blocks of a page."""
    return re.findall(r'^```sh\n(.*?)^```', page.read_text(), re.DOTALL | re.MULTILINE)


def commands_of(block: str) -> list[str]:
    """Return the commands of a block without comments, continued lines in one."""
    lines = block.replace('\\\n', ' ').splitlines()
    return [command for line in lines if (command := re.sub(r'(^|\s)#.*', '', line).strip())]


def arguments_of(command: str) -> list[str] | None:
    """Return what follows bdc-occ in a command; None where it calls something else."""
    found = re.search(r'(?:^|\s)(?:bdc-occ|-m bdc_occ_ros\.cli) (.*)', command)
    return shlex.split(found[1].removesuffix('&')) if found else None


SHOWN = [(page.name, arguments) for page in PAGES for block in blocks_of(page)
         for command in commands_of(block) if (arguments := arguments_of(command)) is not None]


def test_readme_is_short():
    assert len(README.read_text().splitlines()) <= MAX_README_LINES
    assert README.stat().st_size <= MAX_README_BYTES


def test_the_table_of_rooms_is_up_to_date():
    text = README.read_text()
    assert text == with_fresh_table(text), 'run python test/room_table.py'


def test_every_verb_is_shown():
    assert all(f'`bdc-occ {verb}`' in README.read_text() for verb in VERBS)


@pytest.mark.parametrize(('page', 'arguments'), SHOWN, ids=[f'{p}-{a[0]}' for p, a in SHOWN])
def test_every_command_that_is_shown_has_valid_arguments(page, arguments, capsys):
    try:
        build_parser(arguments[0]).parse_args(arguments)
    except SystemExit:
        pytest.fail(f'{page}: bdc-occ {shlex.join(arguments)}: {capsys.readouterr().err}')


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_commands_run_or_say_why_not(page, tmp_path):
    if page.name in NEEDED:
        pytest.importorskip(NEEDED[page.name], reason=f'{NEEDED[page.name]} is not installed')
    environment = os.environ | {
        'PATH': f'{Path(sys.executable).parent}:{os.environ["PATH"]}', 'PYTHONPATH': str(ROOT)}
    for block in blocks_of(page):
        if block.startswith(NOT_RUN):
            assert re.match(f'{NOT_RUN}.{{10,}}\n', block), f'{page.name}: say why not'
            continue
        for command in commands_of(block):
            if command in RUN_ELSEWHERE:
                continue
            done = subprocess.run(command, shell=True, cwd=tmp_path, env=environment, text=True,
                                  capture_output=True, timeout=MINUTES * 60)
            assert done.returncode == 0, f'{page.name}: {command}\n{done.stdout}{done.stderr}'


@pytest.mark.parametrize('page', [*PAGES, *sorted((ROOT / 'models').glob('*.md'))],
                         ids=lambda page: page.name)
def test_links_and_paths_exist(page):
    text = page.read_text()
    links = re.findall(r'\]\((?!https?://|#)([^)#]+)', text)
    assert not [link for link in links if not (page.parent / link).exists()]
    paths = re.findall(r'`((?:bdc_occ_ros|test|config|doc|launch)/[\w/.]*)`', text)
    assert not [path for path in paths if not (ROOT / path).exists()]


@pytest.mark.parametrize('page', PAGES, ids=lambda page: page.name)
def test_make_targets_that_are_named_exist(page):
    makefile = (ROOT / 'Makefile').read_text()
    named = re.findall(r'^make ([a-z0-9-]+)', page.read_text(), re.MULTILINE)
    assert all(re.search(rf'^{target}:', makefile, re.MULTILINE) for target in named)


def project_files() -> list[Path]:
    """List the files of the project: all but .git and what .gitignore names."""
    ignored = [line.strip('/') for line in (ROOT / '.gitignore').read_text().split()] + ['.git']
    found = []
    for folder, subfolders, names in os.walk(ROOT):
        subfolders[:] = [name for name in subfolders
                         if not any(fnmatch(name, pattern) for pattern in ignored)]
        found += [Path(folder, name) for name in names
                  if not any(fnmatch(name, pattern) for pattern in ignored)]
    return found


def test_the_project_speaks_of_itself_alone():
    words = re.compile(r'\b(claude|chatgpt|copilot|anthropic|openai)\b|/work/|\.\./shared/spec',
                       re.IGNORECASE)
    found = [path for path in project_files()
             if path.suffix != '.png' and path != Path(__file__).resolve()
             and words.search(path.read_text(errors='replace'))]
    assert not found
