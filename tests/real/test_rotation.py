"""Sixteen processes share one token.json while a strict server rotates its refresh tokens every second."""

import asyncio
import json
import urllib.request

from home import write_configuration
from processes import Process
from scenario import scenario

PROCESSES, SECONDS = 16, 60


@scenario()
async def sixteen_processes_share_strictly_rotating_tokens(world):
    with world.home("rotation") as home:
        sandbox = await Process.start(
            [home.binary, "sandbox", "--port", "0", "--rotation", "strict", "--token-lifetime", "1s", "--control"],
            record=world.evidence.place("sandbox"), env=home.environment, cwd=home.work,
        )
        try:
            url = json.loads((await sandbox.says(r'\{.*"url".*\}')).group())["url"]
            write_configuration(home.config, sandbox={"endpoints": {"api": f"{url}/"}})
            await home.sign_in_by_browser("sandbox", "robin")
            calls = await asyncio.gather(*(_work(home, number) for number in range(PROCESSES)))
            with urllib.request.urlopen(f"{url}/control/counters") as answer:
                counters = json.load(answer)
        finally:
            await sandbox.stop()
    assert sum(calls) >= PROCESSES * SECONDS / 2, f"only {sum(calls)} calls were made"
    assert counters["refreshes"] >= 50, counters
    assert counters["reuses"] == 0, counters


async def _work(home, number: int) -> int:
    calls = 0
    clock = asyncio.get_running_loop().time
    async with home.server("--provider", "sandbox") as chat:
        end = clock() + SECONDS
        await asyncio.sleep(number / PROCESSES)
        while clock() < end:
            await chat.call("read_messages", target="#general", limit=1)
            calls += 1
            await asyncio.sleep(1)
    return calls
