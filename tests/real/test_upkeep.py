"""Looking after sign-ins at real servers: how they stand, renewing them, and ending them."""

import json

from scenario import scenario


@scenario()
async def upkeep_of_a_sign_in_through_an_authorization_server(world):
    native = await world.native()
    with world.home("upkeep", matrix=native.account()) as home:
        await home.sign_in_by_browser("matrix", "ursula")
        await renewed_and_ended(home, native.homeserver, "ursula")


@scenario()
async def upkeep_of_a_session(world):
    classic = await world.classic()
    uwe = await classic.person("uwe")
    with world.home("upkeep", matrix=classic.account("password")) as home:
        await home.sign_in_by_password("matrix", "uwe", uwe.password)
        await renewed_and_ended(home, classic.homeserver, "uwe")


async def renewed_and_ended(home, homeserver, person: str):
    """Sees a sign-in checked, renewed and ended, and the homeserver's view of each step."""
    one = ["--provider", "matrix"]
    assert person in await done(home, *one, "status"), "the status does not name who is signed in"
    checks = json.loads(await done(home, *one, "doctor", "--json"))
    assert {check["check"] for check in checks} >= {"configuration", "api", "clock", "permissions", "lock", "tokens"}
    assert all(check["state"] == "ok" for check in checks), [check for check in checks if check["state"] != "ok"]

    before = stored(home)
    assert "renewed" in await done(home, *one, "refresh")
    after = stored(home)
    assert after["token"] != before["token"] and after["generation"] > before["generation"], "nothing was renewed"

    # Nobody shows the new token to the homeserver before: it would remember for a while that it was good.
    assert "logged out" in await done(home, *one, "logout")
    assert not home.token_file("matrix").path.exists(), "token.json is still there"
    try:
        await homeserver.call("GET", "/_matrix/client/v3/account/whoami", token=after["token"])
    except AssertionError as refusal:
        assert ": 401 " in str(refusal), f"the homeserver does not refuse a token that was given back: {refusal}"
    else:
        raise AssertionError("the homeserver still accepts a token that was given back")
    assert "not signed in" in await done(home, *one, "status")


async def done(home, *arguments: str) -> str:
    """Runs a command that must succeed; returns what it printed on standard output."""
    process = await home.start(*arguments)
    try:
        code = await process.exit_code()
        assert code == 0, f"`{' '.join(arguments)}` ended with exit code {code}: {process.said()[-1500:]}"
        return process.stdout.read_text()
    finally:
        await process.stop()


def stored(home) -> dict:
    """Returns what token.json holds."""
    token_file = home.token_file("matrix")
    token_file.look()
    return json.loads(token_file.path.read_text())
