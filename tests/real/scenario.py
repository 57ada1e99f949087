"""Runs scenarios, several at a time, and prints one line for each."""

import asyncio
import time
import traceback
from collections import Counter
from pathlib import Path
from typing import NamedTuple


HERE = f"{Path(__file__).resolve().parent}/test_"


class Skip(Exception):
    """Raised by a scenario that cannot run here; says why."""


class Scenario(NamedTuple):
    """A story that ends well or raises."""

    name: str
    story: object
    phase: int


ALL: list[Scenario] = []
TOGETHER, ALONE, LAST = range(3)


def scenario(phase: int = TOGETHER):
    """Registers a function: to run with others, alone as it keeps all cores busy or needs one, or last as it judges the rest."""

    def register(story):
        ALL.append(Scenario(story.__name__.replace("_", " "), story, phase))
        return story

    return register


async def run(world, wanted: list[str]) -> Counter:
    """Runs what matches any of `wanted`, or everything; returns how many passed, failed and were skipped."""
    counts = Counter(passed=0, failed=0, skipped=0)
    for phase in (TOGETHER, ALONE, LAST):
        chosen = [s for s in ALL if s.phase == phase and (not wanted or any(word in s.name for word in wanted))]
        places = asyncio.Semaphore(6 if phase == TOGETHER else 1)
        for outcome in asyncio.as_completed([_run_one(each, world, places) for each in chosen]):
            counts[await outcome] += 1
    return counts


async def _run_one(each: Scenario, world, places) -> str:
    async with places:
        started = time.monotonic()
        try:
            await asyncio.wait_for(each.story(world), 1200)
            outcome, line = "passed", f"PASS {each.name}"
        except Skip as reason:
            outcome, line = "skipped", f"SKIP {each.name}: {reason}"
        except Exception as failure:
            outcome, line = "failed", f"FAIL {each.name}: {_reason(failure)}"
        print(f"{line} ({time.monotonic() - started:.0f} s)", flush=True)
    return outcome


def _reason(failure: BaseException) -> str:
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    if isinstance(failure, AssertionError) and str(failure):
        return str(failure)
    here = [frame for frame in traceback.extract_tb(failure.__traceback__) if frame.filename.startswith(HERE)][-1]
    return f"{type(failure).__name__}: {failure} (at {Path(here.filename).name}:{here.lineno} `{here.line}`)"
