"""Nothing is written that the user has not agreed to: in both eras, with clients that can ask and with one that cannot."""

from mcp.types import ElicitResult

from scenario import scenario

ERAS = {"legacy": "legacy", "modern": "2026-07-28"}
#: The rules that hold where nothing is said.
USUAL = {
    "access": "write", "confirm": "unlisted", "budget": {"minute": 20, "day": 200},
    "guards": {"private": True, "secrets": True, "links": True},
}


class User:
    """Whoever sits at the client: sees each question, and answers all of them in the same way."""

    def __init__(self, action: str = "accept"):
        self.action, self.seen = action, []

    async def __call__(self, _, question) -> ElicitResult:
        """Answers one question."""
        self.seen.append(question.message)
        return ElicitResult(action=self.action, content={} if self.action == "accept" else None)


def in_both_eras(story):
    """Registers a scenario for each era."""
    for era, mode in ERAS.items():

        async def told(world, era=era, mode=mode):
            with world.home(f"{story.__name__}-{era}", sandbox=USUAL) as home:
                await story(home, mode)

        told.__name__ = f"{story.__name__} in the {era} era"
        scenario()(told)


def _serve(home, mode, user=None):
    return home.server("--provider", "sandbox", mode=mode, user=user)


async def _said(chat, text: str) -> bool:
    return text in await chat.call("read_messages", target="#ops")


@in_both_eras
async def what_the_user_agrees_to_is_sent_once_and_noted(home, mode):
    user = User()
    async with _serve(home, mode, user) as chat:
        reference = await chat.send("#ops", "**Freeze** at 18:00")
        [question] = user.seen
        for part in ("Send to #ops (sandbox:C2), ", " people", "│ **Freeze** at 18:00", "not on an `allow` list"):
            assert part in question, question
        assert (await chat.call("read_messages", target="#ops")).count("**Freeze** at 18:00") == 1
        await chat.call("edit_message", ref=reference, text="Never mind")
        assert "│ **Freeze** at 18:00" in user.seen[1] and "│ Never mind" in user.seen[1], user.seen[1]
        await chat.call("react", ref=reference, emoji=":tada:")
        await chat.call("delete_message", ref=reference)
        assert "│ Never mind" in user.seen[3] and len(user.seen) == 4, user.seen
    lines = [(line["tool"], line["event"]) for line in home.audit if line.get("tool")]
    tools = ("send_message", "edit_message", "react", "delete_message")
    assert lines == [(tool, event) for tool in tools for event in ("confirmed", "done")], lines
    assert not any("Freeze" in str(line) or "Never mind" in str(line) for line in home.audit), home.audit


@in_both_eras
async def what_the_user_declines_is_not_sent(home, mode):
    for action, word in (("decline", "the user declined"), ("cancel", "the user did not decide")):
        user = User(action)
        async with _serve(home, mode, user) as chat:
            refusal = await chat.refused("send_message", target="#ops", text="Unwanted")
            assert word in refusal and "hint: ask the user" in refusal and "code: permission" in refusal, refusal
            assert len(user.seen) == 1 and not await _said(chat, "Unwanted")
    assert [line["event"] for line in home.audit if line.get("tool")] == ["refused", "refused"], home.audit


@in_both_eras
async def a_client_that_cannot_ask_is_told_what_the_user_can_do(home, mode):
    async with _serve(home, mode) as chat:
        refusal = await chat.refused("send_message", target="#ops", text="Unwanted")
        for part in ("code: confirmation_required", "`sandbox:C2`", "add `sandbox:C2` to `allow`"):
            assert part in refusal, refusal
        assert not await _said(chat, "Unwanted")
        people = await chat.refused("send_message", target="@tomas", text="Unwanted")
        assert "code: confirmation_required" in people, people
        assert "@Tomás" not in await chat.call("list_conversations"), "a chat was opened that nobody agreed to"
    assert {line["event"] for line in home.audit if line.get("tool")} == {"refused"}, home.audit


@in_both_eras
async def what_is_allowed_is_not_asked_about_until_something_private_was_read(home, mode):
    home.configure(sandbox=USUAL | {"allow": ["#ops"]})
    user = User("decline")
    async with _serve(home, mode, user) as chat:
        await chat.send("#ops", "First")
        assert not user.seen, user.seen
        await chat.call("read_messages", target="#general")
        await chat.send("#ops", "Second")
        assert not user.seen, user.seen
        await chat.call("read_messages", target="@mara")
        refusal = await chat.refused("send_message", target="#ops", text="Third")
        assert "the private conversation `sandbox:" in user.seen[0] and "declined" in refusal, (user.seen, refusal)
    async with _serve(home, mode) as chat:
        await chat.call("read_messages", target="@mara")
        refusal = await chat.refused("send_message", target="#ops", text="Fourth")
        assert "code: confirmation_required" in refusal and "`guards: { private: false }`" in refusal, refusal
