"""Run the code blocks of the documents as a user would."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import textwrap
from importlib.metadata import distribution
from typing import TYPE_CHECKING

import yaml

from sandbox.adsterra import DEMO_TOKEN
from tests.paths import BIN, PROJECT

if TYPE_CHECKING:
    from pathlib import Path

    from sandbox.server import Sandbox

DOCUMENTS = (
    *(PROJECT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md")),
    *sorted((PROJECT / "docs").glob("*.md")),
)

#: A tap as it is installed, but with the clock of the sandbox.
TAP = """#!{python}
import datetime
import json
import sys
import urllib.request

from {main}
from {module}.tap import {tap}

with urllib.request.urlopen("{sandbox}/_sandbox/clock") as response:
    now = datetime.datetime.fromisoformat(json.load(response)["now"])
{tap}.clock = staticmethod(lambda: now)
sys.argv[0] = "{name}"
main()
"""
TAPS = {
    "tap-adsterra": ("tap_adsterra", "TapAdsterra", "tap_adsterra.__main__ import main"),
    "tap-adcloud": ("tap_adcloud", "TapAdcloud", "tap_adcloud.__main__ import main"),
    "source-adsterra": (
        "tap_adsterra",
        "TapAdsterra",
        "airbyte_sources.commands import adsterra as main",
    ),
    "source-adcloud": (
        "tap_adcloud",
        "TapAdcloud",
        "airbyte_sources.commands import adcloud as main",
    ),
}
#: Installs nothing, however old what is installed is: that would need the network.
MAKE = """#!/bin/sh
exec {make} -o .venv/bin/.uv -o .venv/bin/.installed -o .venv-meltano/.installed \
    -o .venv-meltano/.plugins "$@"
"""


def blocks(document: Path, language: str = "sh") -> list[str]:
    """Return the code blocks of a document in a language."""
    found = re.findall(
        rf"^( *)```{language}\n(.*?)^\1```$",
        document.read_text(),
        flags=re.MULTILINE | re.DOTALL,
    )
    return [textwrap.dedent(text) for _, text in found]


def block(document: Path, begin: str, language: str = "sh") -> str:
    """Return the only code block of a document that begins with these words."""
    (found,) = [text for text in blocks(document, language) if text.startswith(begin)]
    return found


def copy_project(folder: Path) -> Path:
    """Copy the project as a clone of it would be, with the environments that are installed here."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],  # noqa: S607
        cwd=PROJECT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    for name in listed.split("\0")[:-1]:
        if (PROJECT / name).exists():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT / name, folder / name)
    for name in (".venv", ".venv-meltano"):
        if (PROJECT / name).exists():
            (folder / name).symlink_to(PROJECT / name)
    link_plugins(folder)
    return folder


def link_plugins(folder: Path) -> None:
    """Give a Meltano project the plugins that are installed for this one."""
    kinds = yaml.safe_load((folder / "meltano.yml").read_text())["plugins"].items()
    for kind, plugin in ((kind, plugin) for kind, plugins in kinds for plugin in plugins):
        installed = PROJECT / ".meltano" / kind / plugin["name"] / "venv"
        if not installed.exists():
            continue
        venv = folder / ".meltano" / kind / plugin["name"] / "venv"
        venv.mkdir(parents=True)
        for name in ("bin", "lib", "pyvenv.cfg"):
            (venv / name).symlink_to(installed / name)
        # Meltano compares this hash of pip's arguments, and then installs nothing.
        arguments = " ".join(sorted(set(plugin["pip_url"].split())))
        fingerprint = hashlib.sha256(arguments.encode()).hexdigest()
        (venv / ".meltano_plugin_fingerprint").write_text(fingerprint)


class Shell:
    """A user's shell, which finds only the commands of the system and those installed in it."""

    def __init__(self, folder: Path, sandbox: Sandbox, **environment: str) -> None:
        """Run commands in a folder; the taps read the sandbox."""
        self.folder = folder
        self.sandbox = sandbox
        self.programs = folder.parent / f"{folder.name}-programs"
        self.programs.mkdir()
        if (BIN / "meltano").exists():
            (self.programs / "meltano").symlink_to((BIN / "meltano").resolve())
        self._write("make", MAKE.format(make=shutil.which("make")))
        inherited = {
            name: value
            for name, value in os.environ.items()
            if not name.startswith(("TAP_", "TARGET_", "MELTANO_", "DISPLAY", "WAYLAND_"))
        }
        self.environment = {
            **inherited,
            "PATH": os.pathsep.join([str(self.programs), "/usr/bin", "/bin"]),
            "TAP_ADSTERRA_API_URL": sandbox.adsterra_url,
            "TAP_ADSTERRA_LOGLEVEL": "WARNING",
            "MELTANO_CLI_LOG_FORMAT": "uncolored",
            **environment,
        }

    def run(self, commands: str, *, succeeds: bool = True) -> str:
        """Run the commands of a block, and return what they have printed.

        Args:
            commands: The commands as documented; placeholders for the token are filled in.
            succeeds: Whether they must succeed; otherwise, the last one must fail.
        """
        typed = []
        for line in commands.splitlines(keepends=True):
            if line.startswith("pipx install "):
                self._install_package(line.split()[-1])
            elif line.strip() == "meltano install":
                self._install_plugins()
            else:
                typed.append(line)
        text = "".join(typed).replace(
            '"api_token": "your-token"',
            f'"api_token": "{DEMO_TOKEN}", "api_url": "{self.sandbox.adsterra_url}"',
        )
        text = text.replace("your-token", DEMO_TOKEN)
        options = "-euo" if succeeds else "-uo"
        result = subprocess.run(
            [str(shutil.which("bash")), options, "pipefail", "-c", text],
            cwd=self.folder,
            env=self.environment,
            capture_output=True,
            text=True,
            timeout=110,
            check=False,
        )
        assert (result.returncode == 0) == succeeds, result.stdout + result.stderr
        return result.stdout + result.stderr

    def _install_package(self, package: str) -> None:
        """Install what ``pipx install`` would: the commands of a package, and no other."""
        name, _, version = ("ad-taps", "", "") if package == "." else package.partition("==")
        installed = distribution(name)
        assert version in ("", installed.version), f"{package} is not what the tests have"
        commands = [item.name for item in installed.entry_points if item.group == "console_scripts"]
        assert commands, f"{package} has no commands"
        for command in commands:
            if command in TAPS:
                self._write(command, self.tap(command))
            else:
                (self.programs / command).symlink_to(BIN / command)

    def _install_plugins(self) -> None:
        """Install what ``meltano install`` would; fail if this project has other versions."""
        ours = yaml.safe_load((PROJECT / "meltano.yml").read_text())["plugins"]
        pinned = {item["name"]: item.get("pip_url") for kind in ours.values() for item in kind}
        wanted = yaml.safe_load((self.folder / "meltano.yml").read_text())["plugins"]
        for plugin in (plugin for kind in wanted.values() for plugin in kind):
            place = plugin["pip_url"].replace("-e ../ad-taps", "-e .")
            assert place == pinned[plugin["name"]], f"{plugin['pip_url']} is not what is tested"
        link_plugins(self.folder)

    def tap(self, name: str) -> str:
        """Write the command of a tap or source with the clock of the sandbox."""
        module, tap, main = TAPS[name]
        return TAP.format(
            python=sys.executable,
            module=module,
            tap=tap,
            main=main,
            name=name,
            sandbox=self.sandbox.url,
        )

    def _write(self, name: str, script: str) -> None:
        (self.programs / name).write_text(script)
        (self.programs / name).chmod(0o755)
