"""A visit with the Python SDK: visit.py PLAN legacy|auto|VERSION http URL | stdio COMMAND ARGUMENT …

All that a client does at a server, told as JSON lines, the same as in visit.mjs. What else is said, by whomever, is a warning.
"""

import asyncio
import json
import logging
import os
import sys
import uuid

from mcp import Client, StdioServerParameters
from mcp.types import ElicitResult

logging.basicConfig(level=logging.WARNING)


def tell(step: str, **facts):
    """Says what came of a step."""
    print(json.dumps({"step": step} | facts), flush=True)


def text(result) -> str:
    """Returns what a tool answered."""
    return "\n".join(getattr(part, "text", part.type) for part in result.content)


async def user(_, question) -> ElicitResult:
    """Fills in forms, except when told not to, and opens pages."""
    if question.mode == "url":
        tell("shown", url=question.url)
        return ElicitResult(action="accept")
    if question.message == "decline":
        return ElicitResult(action="decline")
    return ElicitResult(action="accept", content={"username": "ann", "email": "ann@example.com"})


async def visit(plan: str, mode: str, server):
    """Visits the fixture, or the chat if `plan` says so."""
    async with Client(server, mode=mode, elicitation_callback=user, read_timeout_seconds=30) as client:
        tell("connected", version=client.protocol_version)
        tell("listed", tools=[tool.name for tool in (await client.list_tools()).tools])
        if plan == "chat":
            tell("called", text=text(await client.call_tool("list_conversations")))
        else:
            await see_everything(client)
    tell("closed")


async def see_everything(client: Client):
    """Calls, fails, watches, answers and gives up."""
    tell("called", text=text(await client.call_tool("test_simple_text")))
    failed = await client.call_tool("test_error_handling")
    tell("failed", text=text(failed), error=failed.is_error)
    reports = []

    async def report(done, *_):
        reports.append(done)

    await client.call_tool("test_tool_with_progress", progress_callback=report)
    tell("progressed", reports=list(reports))
    for message in ("accept", "decline"):
        tell(message, text=text(await client.call_tool("test_elicitation", {"message": message})))
    tell("opened", text=text(await client.call_tool("test_url_elicitation", {"url": "https://example.com/page"})))
    await cancel(client)


async def cancel(client: Client):
    """Gives a call up once it has begun, and asks the server whether it noticed."""
    mark, begun = str(uuid.uuid4()), asyncio.Event()

    async def report(*_):
        begun.set()

    call = asyncio.create_task(client.call_tool("test_wait", {"mark": mark}, progress_callback=report))
    await begun.wait()
    call.cancel()
    outcome = (await asyncio.gather(call, return_exceptions=True))[0]
    given_up = "given up" if isinstance(outcome, asyncio.CancelledError) else str(outcome)
    tell("cancelled", outcome=given_up, text=text(await client.call_tool("test_cancelled", {"mark": mark})))


if __name__ == "__main__":
    plan, mode, kind, place, *rest = sys.argv[1:]
    server = place if kind == "http" else StdioServerParameters(command=place, args=rest, env=dict(os.environ))
    asyncio.run(visit(plan, mode, server))
