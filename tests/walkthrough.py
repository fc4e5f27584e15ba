"""Follows the steps of a document in a copy of the repository, as they are written.

A paragraph before a code block says where the block goes: ``A new file `path` ``, or ``In `path`,
in `context`, above `anchor` `` (or ``below``). The anchor is the first line that begins with these
words, indented or not, after a line that begins with the context, if one is named. Blocks in ``sh``
are commands.
"""

from __future__ import annotations

import itertools
import os
import re
import shlex
import subprocess
import sys
import textwrap
from typing import TYPE_CHECKING

from tests import documents

if TYPE_CHECKING:
    from pathlib import Path

_BLOCK = re.compile(
    r"((?:^[^\n]+\n)+)\n^( *)```(\w+)\n(.*?)^\2```$", flags=re.MULTILINE | re.DOTALL
)
_CODE = r"(?:``(.+?)``|`([^`]+)`)"
_NEW_FILE = re.compile(r"A new file `([^`]+)`")
_EMPTY_FILE = re.compile(r"an empty file `([^`]+)`")
_PLACE = re.compile(rf"In \[`([^`]+)`\].*?(?:, in {_CODE})?, (above|below) {_CODE}:$")
_PYTEST = (sys.executable, "-m", "pytest", "-n", "0", "-q", "-p", "no:cacheprovider")
_RUFF = (sys.executable, "-m", "ruff")
#: The commands of a target of the Makefile, without those that install; mypy checks only a part.
MAKE: dict[str, list[tuple[str, ...]]] = {
    "plugins": [(sys.executable, "plugins/generate.py")],
    "lint": [
        (*_RUFF, "check", "--no-cache"),
        (*_RUFF, "format", "--no-cache", "--check"),
        (sys.executable, "-m", "mypy", "sandbox", "tap_adsterra", "tap_adcloud"),
    ],
    "test": [_PYTEST],
}


class Walkthrough:
    """The steps of a section, followed in a copy."""

    def __init__(self, section: str, folder: Path) -> None:
        """Copy the repository into a folder, and do all that the section says but its commands.

        Args:
            section: The text of the section.
            folder: A folder that does not exist.
        """
        self.copy = documents.copy_project(folder)
        self.new: set[str] = set()
        self.changed: set[str] = set()
        self.commands: list[str] = []
        for paragraph, _, language, text in _BLOCK.findall(section):
            block = textwrap.dedent(text)
            if language == "sh":
                self.commands += block.splitlines()
            elif found := _NEW_FILE.search(paragraph):
                self._write(found[1], block)
                for empty in _EMPTY_FILE.findall(paragraph):
                    self._write(empty, "")
            else:
                self._insert(" ".join(paragraph.split()), block)

    def _write(self, path: str, text: str) -> None:
        (self.copy / path).parent.mkdir(parents=True, exist_ok=True)
        (self.copy / path).write_text(text)
        self.new.add(path)

    def _insert(self, paragraph: str, block: str) -> None:
        """Insert a block beside its anchor, with the indentation of the anchor."""
        place = _PLACE.search(paragraph)
        assert place, f"no place in: {paragraph}"
        path, *names = (group for group in place.groups() if group)
        *context, direction, anchor = names
        lines = (self.copy / path).read_text().splitlines(keepends=True)
        start = 0
        if context:
            start = next(n for n, line in enumerate(lines) if line.startswith(context[0])) + 1
        number, indent = next(
            (n, line[: -len(line.lstrip())])
            for n, line in enumerate(lines)
            if n >= start and line.lstrip().startswith(anchor)
        )
        self.changed.add(path)
        text = textwrap.indent(block, indent)
        if text in "".join(lines[start:]):
            return  # The repository has the example already.
        if text.startswith(("class ", "def ")):
            text += "\n\n"
        lines.insert(number + (direction == "below"), text)
        (self.copy / path).write_text("".join(lines))

    def run_commands(self, *tests: str) -> None:
        """Run the commands of the section.

        Args:
            tests: What to test beyond the tests that the section names.
        """
        for line in self.commands:
            words = shlex.split(line)
            variables = list(itertools.takewhile(lambda word: "=" in word, words))
            words = words[len(variables) :]
            if words[0] == "make":
                _, target, *arguments = words
                given = " ".join(arguments).removeprefix("ARGUMENTS=").split()
                commands = [(*command, *given) for command in MAKE[target]]
            else:
                assert words[0] == ".venv/bin/python"
                commands = [(sys.executable, *words[1:])]
            for command in commands:
                self.run("env", *variables, *command)
        if tests:
            self.run(*_PYTEST, *tests)

    def run(self, *command: str) -> str:
        """Run a command on the code of the copy, and return its standard output."""
        # Tests of the copy are no part of this session, and must not share its files. What they
        # find with many examples, those of the project find as well.
        outside = {
            name: value
            for name, value in os.environ.items()
            if "PYTEST" not in name and name != "AD_TAPS_LARGE_TESTS"
        }
        result = subprocess.run(
            command,
            cwd=self.copy,
            env={**outside, "PYTHONPATH": str(self.copy), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            timeout=600,
            check=False,
        )
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout
