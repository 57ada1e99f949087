"""The protocol's own conformance suite, at the fixture, served as Switchboard is.

It runs alone, for it waits only so long for what has to come.
"""

import json
import os
import re
from collections import Counter
from pathlib import Path

from processes import Process
from scenario import ALONE, scenario

PACKAGES = Path(os.environ["NODE_FOLDER"]) / "node_modules"
NODE, SUITE = PACKAGES / "node/bin/node", PACKAGES / "@modelcontextprotocol/conformance/dist/index.js"

# Tasks are an extension of the protocol that Switchboard does not offer: its calls end within a minute.
WITHOUT_TASKS = {
    "tasks-lifecycle", "tasks-capability-negotiation", "tasks-wire-fields", "tasks-request-state-removal",
    "tasks-mrtr-input", "tasks-request-headers", "tasks-dispatch-and-envelope", "tasks-required-task-error",
    "tasks-mrtr-composition",
}
# It warns of a server that wants its own sealed state back before it believes that its questions were answered.
WARNED = {"input-required-result-ignore-extra-params"}


@scenario(ALONE)
async def the_suite_of_2025_11_25_passes(world):
    await conform(world, "2025-11-25", failing=set(), warned=set(), scenarios=33, checks=83)


@scenario(ALONE)
async def the_suite_of_2026_07_28_passes_but_for_tasks(world):
    await conform(world, "2026-07-28", failing=WITHOUT_TASKS, warned=WARNED, scenarios=50, checks=168)


async def conform(world, revision: str, failing: set, warned: set, scenarios: int, checks: int):
    """Runs all that a revision requires. What is expected to fail must fail, and no less may have been looked at."""
    results = world.folder / f"conformance-{revision}"
    command = [NODE, SUITE, "server", "--url", await world.everything(), "--requirements", revision, "-o", results]
    suite = await Process.start(command, record=results / "suite")
    code = await suite.exit_code(180)
    found: dict[str, Counter] = {}
    for file in results.glob("server-*/checks.json"):
        name = re.fullmatch(r"server-(.+)-\d{4}-\d\d-\d\dT[\d-]+Z", file.parent.name)[1]
        found[name] = Counter(check["status"] for check in json.loads(file.read_text()))
    failed, doubted = ({name for name in found if found[name][status]} for status in ("FAILURE", "WARNING"))
    assert failed == failing, f"failing otherwise than expected: {sorted(failed ^ failing)}\n{suite.said()[-3000:]}"
    assert doubted == warned, f"warned of otherwise than expected: {sorted(doubted ^ warned)}"
    assert code == 0, f"exit code {code}:\n{suite.said()[-3000:]}"
    passed = sum(each["SUCCESS"] for each in found.values())
    assert len(found) >= scenarios and passed >= checks, f"only {passed} checks in {len(found)} scenarios"
