"""One text to several platforms from one process, long texts in parts, and one key in two processes."""

import asyncio
import json
from contextlib import asynccontextmanager

from processes import Process
from scenario import scenario

TEXT = "**Freeze** at `18:00`, see:\n\n- the *plan*\n- [the page](https://a.example/plan)"
HTML = [
    "<strong>Freeze</strong> at <code>18:00</code>", "<em>plan</em>", '<a href="https://a.example/plan">the page</a>',
]


@asynccontextmanager
async def both_platforms(world, story: str, name: str):
    """Gives a home signed in to a homeserver and to a sandbox of its own, the sandbox's process, and a room."""
    classic = await world.classic()
    person = await classic.person(name)
    room = await person.create_room("Plans")
    with world.home(story, matrix=classic.account("password")) as home:
        sandbox = await Process.start(
            [home.binary, "sandbox", "--port", "0"],
            record=world.evidence.place("sandbox"), env=home.environment, cwd=home.work,
        )
        try:
            url = json.loads((await sandbox.says(r'\{.*"url".*\}')).group())["url"]
            here = {"endpoints": {"api": f"{url}/"}, "access": "write"}
            home.configure(matrix=classic.account("password"), sandbox=here)
            await home.sign_in_by_password("matrix", name, person.password)
            await home.sign_in_by_browser("sandbox", "robin")
            yield home, sandbox, person, room
        finally:
            await sandbox.stop()


async def _said(person, room: str) -> list[dict]:
    return [event["content"] for event in await person.messages(room) if event["type"] == "m.room.message"]


@scenario()
async def one_text_reaches_two_platforms_and_one_that_is_down_spoils_nothing(world):
    async with both_platforms(world, "sending", "sonja") as (home, sandbox, sonja, room):
        async with home.writing_server("matrix", "sandbox") as chat:
            targets = {"target": "matrix:#Plans", "more_targets": ["sandbox:#ops"]}
            first, second = (await chat.call("send_message", text=TEXT, **targets)).splitlines()
            assert first.startswith("sent to #Plans (matrix:") and ": ref matrix:" in first, first
            assert second.startswith("sent to #ops (sandbox:C2): ref sandbox:C2/M"), second
            [content] = await _said(sonja, room)
            assert content["body"] == TEXT and content["m.mentions"] == {}, content
            assert all(part in content["formatted_body"] for part in HTML), content
            for target in "matrix:#Plans", "sandbox:#ops":
                page = json.loads(await chat.call("read_messages", target=target, format="json"))
                assert page["messages"][-1]["text"] == TEXT, page["messages"][-1]

            await sandbox.stop()
            answer = await chat.call("send_message", text="The sandbox is down", **targets)
            first, second = answer.splitlines()
            assert first.startswith("sent to #Plans (matrix:"), first
            assert second.startswith("not sent to sandbox:#ops") or second.startswith("not sent to #ops"), second
            assert [content["body"] for content in await _said(sonja, room)] == [TEXT, "The sandbox is down"]
            message = await chat.refused("send_message", target="sandbox:#ops", text="x", more_targets=["sandbox:C1"])
            assert "sandbox:#ops" in message or "sandbox:C2" in message, message


@scenario()
async def a_text_of_sixty_thousand_characters_arrives_in_parts_in_order(world):
    classic = await world.classic()
    selma = await classic.person("selma")
    room = await selma.create_room("Long")
    paragraphs = [f"Paragraph {number}: " + "**some** `words` & \"more\" of them, " * 16 for number in range(110)]
    text = "\n\n".join(paragraph.strip() for paragraph in paragraphs)
    assert len(text) > 60_000, len(text)
    with world.home("long", matrix=classic.account("password")) as home:
        await home.sign_in_by_password("matrix", "selma", selma.password)
        async with home.writing_server("matrix") as chat:
            answer = json.loads(await chat.call("send_message", target="#Long", text=text, format="json"))
            contents = await _said(selma, room)
            assert "\n\n".join(content["body"] for content in contents) == text, [len(c["body"]) for c in contents]
            assert len(answer["parts"]) == len(contents) >= 4, answer
            assert all("formatted_body" in content for content in contents), "the formatting was lost"
            # The worst that one part may hold: every byte grows on its way.
            for pattern in '"', "> ", "&**b**", "- a\n":
                await chat.call("send_message", target="#Long", text=pattern * (15_990 // len(pattern)))
            ref = await chat.send("#Long", "short")
            await chat.call("edit_message", ref=ref, text='"' * 16_000)


@scenario()
async def one_key_in_two_processes_sends_once(world):
    classic = await world.classic()
    silke = await classic.person("silke")
    room = await silke.create_room("Once")
    with world.home("once", matrix=classic.account("password")) as home:
        await home.sign_in_by_password("matrix", "silke", silke.password)
        (home.uploads / "plan.txt").write_text("the plan")
        async with home.writing_server("matrix") as one, home.writing_server("matrix") as other:
            for number in range(5):
                call = {"target": "#Once", "text": f"number {number}", "files": ["plan.txt"]}
                call["idempotency_key"] = f"k{number}"
                answers = await asyncio.gather(*(chat.call("send_message", **call) for chat in (one, other, one)))
                assert len({answer.removeprefix("already ") for answer in answers}) == 1, answers
                assert sum(answer.startswith("already ") for answer in answers) == 2, answers
            message = await other.refused("send_message", target="#Once", text="other", idempotency_key="k0")
            assert "used for something else" in message, message
        bodies = [content["body"] for content in await _said(silke, room)]
        assert bodies == [body for number in range(5) for body in (f"number {number}", "plan.txt")], bodies
