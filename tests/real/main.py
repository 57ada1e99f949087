"""Runs every scenario in one temporary folder, and leaves nothing behind."""

import asyncio
import shutil
import signal
import sys
import tempfile
from collections import Counter
from pathlib import Path

import scenario
import test_answers  # noqa: F401
import test_clients  # noqa: F401
import test_confirming  # noqa: F401
import test_conformance  # noqa: F401
import test_matrix  # noqa: F401
import test_newcomer  # noqa: F401
import test_news  # noqa: F401
import test_picking  # noqa: F401
import test_rotation  # noqa: F401
import test_safety  # noqa: F401
import test_sending  # noqa: F401
import test_sign_in  # noqa: F401
import test_upkeep  # noqa: F401
from world import World


async def main(binary: str, fixture: str, repository: str, *wanted: str) -> int:
    """Returns the exit code; the folder stays for a look where something failed."""
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, asyncio.current_task().cancel)
    folder = Path(tempfile.mkdtemp(prefix="switchboard-real-"))
    # Copies, since scenarios build other versions into the same target folder.
    programs = [Path(shutil.copy2(program, folder)) for program in (binary, fixture)]
    world = World(folder, *programs, Path(repository))
    counts = Counter(failed=1)
    try:
        counts = await scenario.run(world, list(wanted))
    finally:
        await world.stop()
        if counts["failed"]:
            print(f"What was printed is kept in {folder}", flush=True)
        else:
            shutil.rmtree(folder)
    print(", ".join(f"{number} {outcome}" for outcome, number in counts.items()), flush=True)
    return 1 if counts["failed"] else 0


sys.exit(asyncio.run(main(*sys.argv[1:])))
