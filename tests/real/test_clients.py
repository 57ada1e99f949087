"""MCP clients made by others, at the fixture that has one of everything, and at the sandbox, which needs no account."""

import asyncio
import json
import os
from contextlib import asynccontextmanager
from itertools import product
from pathlib import Path

from scenario import scenario
from visitors import VISITORS, Visitor

INSPECTOR = Path("node_modules/.bin/mcp-inspector")
VERBS = {
    "whoami", "list_conversations", "read_messages", "search_messages", "catch_up", "wait_for_messages",
    "find_people", "get_conversation", "get_file",
}
ERAS = ("legacy", "modern")
LISTS = {
    "tools/list": "tools", "resources/list": "resources", "resources/templates/list": "resourceTemplates",
    "prompts/list": "prompts",
}


@scenario()
async def the_python_client_lists_and_calls_in_the_legacy_era(world):
    await list_and_call(world, "legacy")


@scenario()
async def the_python_client_lists_and_calls_in_the_modern_era(world):
    await list_and_call(world, "2026-07-28")


async def list_and_call(world, mode: str):
    """Lists the tools and reads a channel."""
    with world.home(f"python-{mode}", sandbox={}) as home:
        async with home.server("--provider", "sandbox", mode=mode) as chat:
            tools = await chat.tools()
            assert VERBS <= set(tools), f"missing: {VERBS - set(tools)}"
            assert "send_message" not in tools, "writing is on though nobody asked for it"
            for tool in tools.values():
                assert tool.description and tool.annotations, f"`{tool.name}` lacks a description or annotations"
            assert "#general" in await chat.call("list_conversations")
            assert await chat.call("read_messages", target="#general")


def everything_is_seen(visitor: Visitor, way: str):
    """Registers that a client sees everything."""

    async def story(world):
        place = ["http", await world.everything()] if way == "http" else ["stdio", world.fixture]
        seen = await visitor.visit("everything", place, world.evidence)
        assert {"test_simple_text", "test_wait"} <= set(seen["listed"]["tools"]), seen["listed"]
        assert seen["called"]["text"] == "This is a simple text response for testing."
        assert seen["failed"]["error"] and "intentionally" in seen["failed"]["text"], seen["failed"]
        assert seen["progressed"]["reports"] == [0, 50, 100], seen["progressed"]
        assert "action=accept" in seen["accept"]["text"] and "ann@example.com" in seen["accept"]["text"], seen["accept"]
        assert "action=decline" in seen["decline"]["text"], seen["decline"]
        assert seen["shown"]["url"] == "https://example.com/page" and "accept" in seen["opened"]["text"], seen["opened"]
        assert seen["cancelled"]["outcome"] == "given up", seen["cancelled"]
        assert "was cancelled" in seen["cancelled"]["text"], seen["cancelled"]

    story.__name__ = f"{visitor.name} sees everything over {way}"
    scenario()(story)


for each in VISITORS:
    everything_is_seen(each, "stdio")
    everything_is_seen(each, "http")


@scenario()
async def every_client_reads_the_chat_over_stdio(world):
    with world.home("visited-stdio", sandbox={}) as home:
        await all_read(world, home, ["stdio", home.binary, *home.flags, "--provider", "sandbox"])


@scenario()
async def every_client_reads_the_chat_over_http(world):
    with world.home("visited-http", sandbox={}) as home:
        async with listening(home) as url:
            await all_read(world, home, ["http", url])


async def all_read(world, home, place: list):
    """Lets every client list the tools and read the conversations."""
    for visitor in VISITORS:
        seen = await visitor.visit("chat", place, world.evidence, quiet(home), home.work)
        assert VERBS <= set(seen["listed"]["tools"]), f"{visitor.name} lists {seen['listed']}"
        assert "#general" in seen["called"]["text"], f"{visitor.name} reads {seen['called']}"


def quiet(home) -> dict:
    """Returns the variables of a home in which servers log no more than they do by themselves."""
    return {name: value for name, value in home.environment.items() if not name.startswith("RUST_")}


@scenario()
async def the_inspector_lists_and_calls(world):
    with world.home("inspector", sandbox={}) as home:
        async with listening(home) as url:
            for era, place in product(ERAS, ([home.binary, "--provider", "sandbox"], [url])):
                listed = json.loads(await inspect(home, place, era, "--method", "tools/list"))
                assert VERBS <= {tool["name"] for tool in listed["tools"]}, listed
                called = await inspect(
                    home, place, era,
                    "--method", "tools/call", "--tool-name", "read_messages", "--tool-arg", "target=#general",
                )
                assert not json.loads(called).get("isError"), called


@scenario()
async def the_inspector_finds_no_fault_with_everything(world):
    with world.home("inspector-everything") as home:
        for era, place in product(ERAS, ([world.fixture], [await world.everything()])):
            for method, kind in LISTS.items():
                listed = json.loads(await inspect(home, place, era, "--method", method))
                assert listed[kind], listed
            fails = ("--method", "tools/call", "--tool-name", "test_error_handling")
            await inspect(home, place, era, *fails, error="tool_is_error")


@scenario()
async def a_person_at_a_terminal_is_told_what_it_waits_for(world):
    keyboard, terminal = os.openpty()
    with world.home("terminal", sandbox={}) as home:
        server = await home.start("--provider", "sandbox", stdin=terminal)
        try:
            await server.says(r"(?i)waiting for .*MCP|MCP client")
            assert not server.stdout.read_text(), "told on stdout, which belongs to MCP"
        finally:
            await server.stop()
            os.close(keyboard)
            os.close(terminal)


@asynccontextmanager
async def listening(home):
    """Serves the sandbox over HTTP; gives the URL."""
    server = await home.start("--provider", "sandbox", "serve", "--http", "127.0.0.1:0")
    try:
        yield (await server.says(r"Listening on (http://\S+)"))[1]
    finally:
        await server.stop()


async def inspect(home, place: list, era: str, *arguments: str, error: str = "") -> str:
    """Runs the inspector's command line; returns what it printed on stdout. But for `error` nothing may be complained of."""
    command = [Path(os.environ["NODE_FOLDER"]) / INSPECTOR, "--cli", *place, "--protocol-era", era, *arguments]
    if "tools/list" in arguments:
        command.append("--strict")
    inspector = await asyncio.create_subprocess_exec(
        *command, env=quiet(home), cwd=home.work,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )
    stdout, stderr = await asyncio.wait_for(inspector.communicate(), 60)
    home.evidence.place("inspector").write_bytes(stdout + stderr)
    complaint = json.loads(stderr)["error"]["code"] if error and stderr else stderr.decode()
    assert (inspector.returncode, complaint) == (5 if error else 0, error), (
        f"inspector {era} {place} {arguments}: exit {inspector.returncode}: {stderr.decode()[-1500:]}"
    )
    return stdout.decode()
