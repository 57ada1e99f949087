"""What answers over Synapse cost, what they leave out, and that nobody forges them by the million."""

import json
import re

from hostile import MILLION, said_by
from scenario import ALONE, scenario

# What a page may cost for each message beyond its text and its id.
MOST = 40


@scenario()
async def answers_cost_few_bytes_beyond_what_was_said(world):
    classic = await world.classic()
    ada, ben, cleo = [await classic.person(name) for name in ("ada", "ben", "cleo")]
    with world.home("answers", matrix=classic.account("password")) as home:
        await home.sign_in_by_password("matrix", "ada", ada.password)
        rooms = [await talk(f"Talk {number}", ada, ben, cleo) for number in range(3)]
        async with home.writing_server("matrix") as chat:
            pages = [each for room, _ in rooms for each in await read(chat, target=f"matrix:{room}")]
            threads = [await read(chat, target=f"matrix:{room}", thread=root) for room, roots in rooms for root in roots]
            pages += [each for thread in threads for each in thread]
    messages, overhead = (sum(column) for column in zip(*pages))
    print(f"     {overhead / messages:.1f} bytes for each of {messages} messages on {len(pages)} pages", flush=True)
    assert messages > 150 and overhead <= MOST * messages, f"{overhead} bytes for {messages} messages"


async def talk(name: str, *people) -> tuple[str, list[str]]:
    """Fills a room with messages, threads, reactions, quotations and a file; returns it and the threads' first messages."""
    first, *others = people
    room, roots = await first.create_room(name, *others), []
    for number in range(8):
        said = await people[number % 3].say(room, f"Point {number}: shall we go on with the new trail map on that day?")
        await people[(number + 1) % 3].say(room, "Fine with me, if the weather holds.")
        await people[(number + 1) % 3].say(room, "And we need somebody with a car.")
        for fan in others:
            relation = {"rel_type": "m.annotation", "event_id": said, "key": "👍"}
            await fan.send_event(room, "m.reaction", {"m.relates_to": relation})
        quoting = {"m.relates_to": {"m.in_reply_to": {"event_id": said}}}
        await people[(number + 2) % 3].say(room, "Yes please, I have been waiting for this.", **quoting)
        if number % 2 == 0:
            roots.append(said)
            for answer in range(3):
                relation = {"rel_type": "m.thread", "event_id": said, "is_falling_back": True}
                await people[answer].say(room, f"Answer {answer} in a thread, with a thought of its own.", **{"m.relates_to": relation})
    return room, roots


async def read(chat, **arguments) -> list[tuple[int, int]]:
    """Reads all pages, so small that both forms hold the same messages."""
    pages, more = [], {"limit": 15}
    while more:
        count, overhead, cursor = await page(chat, **arguments, **more)
        pages.append((count, overhead))
        more = {"limit": 15, "cursor": cursor} if cursor else None
    return pages


async def page(chat, **arguments) -> tuple[int, int, str | None]:
    """Reads a page in both forms; returns its messages, the bytes beyond their texts, ids and what they quote, and the cursor."""
    transcript = await chat.call("read_messages", **arguments)
    answer = json.loads(await chat.call("read_messages", format="json", **arguments))
    shown = answer["messages"]
    assert not answer["left"], "the page is too long for JSON"
    texts = [message["text"] + message["id"] + message.get("quote", {}).get("text", "") for message in shown]
    for message in shown:
        assert f"[{message['id']}]" in transcript, f"{message['id']} is not whole in {transcript}"
    named = [message["thread"] for message in shown if message.get("thread")]
    assert arguments.get("thread") or all(transcript.count(thread) == 1 for thread in named), transcript
    return len(shown), len(transcript.encode()) - sum(len(text.encode()) for text in texts), answer.get("next")


@scenario()
async def no_matrix_message_is_shown_as_nothing(world):
    classic = await world.classic()
    dora, emil = await classic.person("dora"), await classic.person("emil")
    room = await emil.create_room("Odds and ends", dora)
    poll = {"question": {"m.text": [{"body": "Where?"}]}, "answers": [{"m.id": "1", "m.text": [{"body": "Here"}]}]}
    odd = {
        "m.room.message": [
            {"msgtype": "m.emote", "body": "waves"},
            {"msgtype": "m.notice", "body": "Built."},
            {"msgtype": "m.location", "body": "The hut", "geo_uri": "geo:47,11"},
            {"msgtype": "m.image", "body": "a.png", "file": {"url": "mxc://localhost/x", "v": "v2"}},
            {"msgtype": "org.example.dance", "body": ""},
        ],
        "m.sticker": [{"body": "wave", "url": "mxc://localhost/y", "info": {}}],
        "m.poll.start": [{"m.text": [{"body": "Where?"}], "m.poll": poll}],
    }
    for kind, contents in odd.items():
        for content in contents:
            await emil.send_event(room, kind, content)
    with world.home("odd", matrix=classic.account("password")) as home:
        await home.sign_in_by_password("matrix", "dora", dora.password)
        async with home.server("--provider", "matrix") as chat:
            shown = json.loads(await chat.call("read_messages", target=f"matrix:{room}", format="json"))["messages"]
    texts = [message["text"] for message in shown]
    assert len(texts) == 7 and all(texts), texts
    for said in ("/me waves", "geo:47,11", "a.png", "unsupported message of type org.example.dance", "[sticker: wave]", "[poll: Where?]\n- Here"):
        assert any(said in text for text in texts), f"{said} is not in {texts}"


@scenario(ALONE)
async def a_million_hostile_messages_forge_nothing(world):
    said = await said_by(world, "chat::tests::forgery", MILLION, "--workspace")
    told = re.search(r"(\d+) hostile messages, names and topics from seed \d+: nothing forged", said)
    assert told and int(told[1]) >= MILLION, said[-2000:]
    print(f"     {told[0]}", flush=True)
