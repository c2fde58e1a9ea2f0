# SPDX-FileCopyrightText: 2026 The bdc_occ_ros authors
# SPDX-License-Identifier: Apache-2.0
"""The README tells the truth about files, parameters, verbs, arguments and targets."""

from pathlib import Path
import re

import pytest
from readme_blocks import BLOCKS, project_files, README, renewed, ROOT
import yaml

from bdc_occ_ros.cli.__main__ import VERBS


def test_printed_blocks_are_up_to_date():
    text = README.read_text()
    fresh = renewed(text)
    stale = [line for line in fresh.splitlines() if line not in text.splitlines()]
    assert text == fresh, (
        f'run python test/readme_blocks.py; new lines: {stale[:5]}')


def test_every_block_appears_once():
    text = README.read_text()
    assert all(text.count(f'<!-- {name} -->') == 1 for name in BLOCKS)


def test_every_verb_is_shown():
    text = README.read_text()
    assert all(f'bdc-occ {verb}' in text for verb in VERBS)


def test_relative_links_and_paths_exist():
    links = re.findall(r'\]\((?!https?://|#)([^)#]+)', README.read_text())
    assert links
    assert not [link for link in links if not (ROOT / link).exists()]


def test_make_targets_that_are_named_exist():
    makefile = (ROOT / 'Makefile').read_text()
    named = set(re.findall(r'^make ([a-z]+)', README.read_text(), re.MULTILINE))
    assert {'demo', 'test'} <= named
    assert all(re.search(rf'^{target}:', makefile, re.MULTILINE) for target in named)


@pytest.mark.parametrize('path', [p for p in project_files() if p.suffix in ('.yaml', '.yml')],
                         ids=str)
def test_yaml_files_parse(path: Path):
    assert yaml.safe_load((ROOT / path).read_text()) is not None


def test_the_project_speaks_of_itself_alone():
    words = re.compile(r'\b(claude|chatgpt|copilot|anthropic|openai)\b|/work/|\.\./shared/spec',
                       re.IGNORECASE)
    this_file = Path(__file__).resolve()
    found = [path for path in project_files()
             if path.suffix != '.png' and ROOT / path != this_file
             and words.search((ROOT / path).read_text(errors='replace'))]
    assert not found
