"""Starts processes on free loopback ports, keeps all they print, and ends each by its own id."""

import asyncio
import os
import re
import signal
import socket
from pathlib import Path


def free_port() -> int:
    """Returns a port that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Process:
    """A running program whose stdout and stderr go to two files."""

    def __init__(self, child: asyncio.subprocess.Process, stdout: Path, stderr: Path):
        self.child, self.stdout, self.stderr = child, stdout, stderr

    @classmethod
    async def start(cls, command, *, record: Path, env=None, cwd=None, stdin=asyncio.subprocess.DEVNULL):
        """Starts `command`; what it prints goes to `record` plus `.stdout` and `.stderr`."""
        record.parent.mkdir(parents=True, exist_ok=True)
        stdout, stderr = (record.with_name(record.name + end) for end in (".stdout", ".stderr"))
        with stdout.open("wb") as out, stderr.open("wb") as err:
            child = await asyncio.create_subprocess_exec(
                *map(str, command), stdin=stdin, stdout=out, stderr=err, env=env, cwd=cwd,
                start_new_session=True,
            )
        return cls(child, stdout, stderr)

    def said(self) -> str:
        """Returns all that was printed so far, stdout first."""
        return self.stdout.read_text(errors="replace") + self.stderr.read_text(errors="replace")

    async def says(self, pattern: str, seconds: float = 20) -> re.Match:
        """Waits until something matching `pattern` was printed."""
        for _ in range(int(seconds * 20)):
            if found := re.search(pattern, self.said()):
                return found
            if self.child.returncode is not None:
                break
            await asyncio.sleep(0.05)
        raise AssertionError(f"no `{pattern}` in what it printed:\n{self.said()[-2000:]}")

    async def write(self, line: str):
        """Writes one line to stdin."""
        self.child.stdin.write(line.encode() + b"\n")
        await self.child.stdin.drain()

    async def exit_code(self, seconds: float = 30) -> int:
        """Waits for the end."""
        try:
            return await asyncio.wait_for(self.child.wait(), seconds)
        except TimeoutError:
            await self.stop()
            raise AssertionError(f"still running after {seconds} s:\n{self.said()[-2000:]}") from None

    async def stop(self):
        """Ends it with everything that it started itself."""
        for signal_number in (signal.SIGTERM, signal.SIGKILL):
            if self.child.returncode is not None:
                return
            try:
                os.killpg(self.child.pid, signal_number)
            except ProcessLookupError:
                pass
            try:
                await asyncio.wait_for(self.child.wait(), 5)
            except TimeoutError:
                continue
