"""MCP clients made by others: each visits a server in a process of its own, and says what it saw."""

import json
import os
import sys
from pathlib import Path
from typing import NamedTuple

from processes import Process

HERE, NODE_FOLDER = Path(__file__).resolve().parent, Path(os.environ["NODE_FOLDER"])
LEGACY, MODERN = "2025-11-25", "2026-07-28"


class Visitor(NamedTuple):
    """A client in one of its modes, and the revision that it should agree on."""

    name: str
    program: list
    mode: str
    version: str

    async def visit(self, plan: str, place: list, evidence, environment=None, cwd=None) -> dict:
        """Goes to `place`, does all of `plan`, and returns what came of each step. Nothing may be warned of."""
        command = [*self.program, plan, self.mode, *place]
        record = evidence.place(f"visit of {self.name}".replace(" ", "-"))
        visit = await Process.start(command, record=record, env=environment or os.environ, cwd=cwd)
        code = await visit.exit_code(120)
        warnings = visit.stderr.read_text(errors="replace")
        assert code == 0 and not warnings, f"{self.name}: exit code {code}, and it says:\n{warnings[-2000:]}"
        seen = {fact.pop("step"): fact for fact in map(json.loads, visit.stdout.read_text().splitlines())}
        assert seen["connected"]["version"] == self.version, f"{self.name} agreed on {seen['connected']}"
        assert "closed" in seen, f"{self.name} did not come to an end: {list(seen)}"
        return seen


PYTHON = [sys.executable, "-W", "default", HERE / "visit.py"]
FIRST, SECOND = (["node", NODE_FOLDER / script] for script in ("visit_v1.mjs", "visit_v2.mjs"))
VISITORS = [
    Visitor("the python client in the legacy era", PYTHON, "legacy", LEGACY),
    Visitor("the python client that finds out the era", PYTHON, "auto", MODERN),
    Visitor("the python client in the modern era", PYTHON, MODERN, MODERN),
    Visitor("the first typescript client", FIRST, "legacy", LEGACY),
    Visitor("the second typescript client in the legacy era", SECOND, "legacy", LEGACY),
    Visitor("the second typescript client that finds out the era", SECOND, "auto", MODERN),
    Visitor("the second typescript client in the modern era", SECOND, MODERN, MODERN),
]
