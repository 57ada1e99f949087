"""Runs tests of the sources again, with as many hostile things as a long run has time for."""

import os

from processes import Process

MILLION = 1_000_000


async def said_by(world, tests, count, *packages):
    """Runs the tests that are called so with that many, and returns what they said."""
    command = ["cargo", "test", "--quiet", "--locked", *packages, "--lib"]
    process = await Process.start(
        [*command, "--manifest-path", world.repository / "Cargo.toml", "--", tests, "--nocapture"],
        record=world.folder / tests.rpartition("::")[2], cwd=world.repository,
        env=os.environ | {"SWITCHBOARD_HOSTILE": str(count)},
    )
    try:
        code = await process.exit_code(900)
    finally:
        await process.stop()
    assert code == 0, process.said()[-2000:]
    return process.said()
