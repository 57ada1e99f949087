"""Follows a document to the letter: writes its named blocks to files, applies its diffs, runs its commands."""

import os
import re
import signal
import subprocess
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

FENCE = re.compile(r"^(`{3,})(\w+)?(?: title=\"([^\"]+)\")?[^\n]*\n(.*?)^\1$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """A fenced block: its language, the file it names, and what is in it."""

    language: str | None
    title: str | None
    text: str


def blocks(document: str) -> list[Block]:
    """Returns the blocks to be followed: those that name a file, and console sessions."""
    found = [Block(*match.groups()[1:]) for match in FENCE.finditer(document)]
    return [block for block in found if block.title or block.language == "console"]


def follow(document: str, folder: Path, environment: dict[str, str]) -> int:
    """Does what `document` says in `folder`; returns how many blocks it had."""
    steps, groups = blocks(document), []
    try:
        for block in steps:
            if block.language == "console":
                _run_session(block.text, folder, environment, groups)
            elif block.language == "diff":
                _apply(block, folder)
            else:
                file = folder / block.title
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(block.text)
    finally:
        # What the page left running in the background.
        for group in groups:
            with suppress(ProcessLookupError):
                os.killpg(group, signal.SIGKILL)
    return len(steps)


def _apply(block: Block, folder: Path):
    file = folder / block.title
    text = file.read_text()
    for hunk in re.split(r"^@@.*\n", block.text, flags=re.MULTILINE):
        lines = [line for line in hunk.splitlines(keepends=True) if not line.startswith(("--- ", "+++ "))]
        before = "".join(line[1:] for line in lines if line[0] in " -" or line == "\n")
        after = "".join(line[1:] for line in lines if line[0] in " +" or line == "\n")
        if not lines:
            continue
        assert before and text.count(before) == 1, f"{block.title} has not exactly one place for:\n{hunk}"
        text = text.replace(before, after)
    file.write_text(text)


def _run_session(session: str, folder: Path, environment: dict[str, str], groups: list[int]):
    for part in re.split(r"^\$ ", session, flags=re.MULTILINE)[1:]:
        command, expected = _command_and_output(part)
        running = subprocess.Popen(
            ["bash", "-c", command], cwd=folder, env=environment, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )
        groups.append(running.pid)
        printed, _ = running.communicate(timeout=1200)
        assert running.returncode == 0, f"`{command}` ended with {running.returncode}:\n{printed[-3000:]}"
        missing = first_missing_line(expected, printed)
        assert missing is None, f"`{command}` did not print `{missing}`:\n{printed[-3000:]}"


def _command_and_output(part: str) -> tuple[str, str]:
    lines = part.splitlines()
    end = next((number for number, line in enumerate(lines) if not line.endswith("\\")), len(lines) - 1)
    return "\n".join(lines[:end + 1]), "\n".join(lines[end + 1:])


def first_missing_line(expected: str, printed: str) -> str | None:
    """Returns the first line that is not printed in its turn: `…` stands for anything, a number for any number."""
    rest = iter([_loosely(line) for line in printed.splitlines()])
    for line in filter(str.strip, expected.splitlines()):
        pattern = ".*".join(re.escape(_loosely(piece)) for piece in re.split(r"…|\.\.\.", line))
        if not any(re.search(pattern, candidate) for candidate in rest):
            return line
    return None


def _loosely(line: str) -> str:
    return " ".join(re.sub(r"\d+", "0", line).split())
