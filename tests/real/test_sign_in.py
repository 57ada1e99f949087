"""Signing in to Matrix, in each of the ways that homeservers offer."""

from browser import Browser
from home import START_URL
from scenario import scenario


@scenario()
async def sign_in_through_an_authorization_server(world):
    native = await world.native()
    with world.home("native", matrix=native.account()) as home:
        page = await home.sign_in_by_browser("matrix", "alice")
        assert "alice" in page, f"the last page does not name the account:\n{page}"


@scenario()
async def sign_in_by_single_sign_on(world):
    classic = await world.classic()
    await classic.person("sophie")
    with world.home("sso", matrix=classic.account("sso")) as home:
        page = await home.sign_in_by_browser("matrix", "sophie")
        assert "sophie" in page, f"the last page does not name the account:\n{page}"


@scenario()
async def sign_in_with_a_password_from_the_environment(world):
    classic = await world.classic()
    paula = await classic.person("paula")
    with world.home("password", matrix=classic.account("password")) as home:
        await home.sign_in_by_password("matrix", "paula", paula.password)


@scenario()
async def sign_in_with_a_password_from_stdin(world):
    classic = await world.classic()
    peter = await classic.person("peter")
    with world.home("password-stdin", matrix=classic.account("password")) as home:
        async with home.signing_in("matrix") as command:
            await command.write("peter")
            await command.write(peter.password)
            home.expect_signed_in("matrix", await command.exit_code(), command.said())


@scenario()
async def sign_in_with_a_wrong_password_says_so(world):
    classic = await world.classic()
    await classic.person("wanda")
    with world.home("wrong-password", matrix=classic.account("password")) as home:
        code, said = await home.run(
            "--provider", "matrix", "--local-auth", "--no-browser",
            SWITCHBOARD_USER="wanda", SWITCHBOARD_PASSWORD=world.password_for("somebody else"),
        )
        assert code == 1, f"exit code {code}"
        assert "password" in said.lower(), said[-1000:]
        assert not home.token_file("matrix").path.exists(), "a refused sign-in left a token.json"


@scenario()
async def sign_in_with_a_pasted_token(world):
    classic = await world.classic()
    theo = await classic.person("theo")
    world.evidence.learn("pasted token", theo.token)
    with world.home("token", matrix=classic.account("token")) as home:
        code, said = await home.run("--provider", "matrix", "--local-auth", SWITCHBOARD_TOKEN=theo.token)
        home.expect_signed_in("matrix", code, said)
    with world.home("token-stdin", matrix=classic.account("token")) as home:
        async with home.signing_in("matrix") as command:
            await command.write(theo.token)
            home.expect_signed_in("matrix", await command.exit_code(), command.said())


@scenario()
async def declining_to_sign_in_ends_in_a_clear_error(world):
    native = await world.native()
    with world.home("declined", matrix=native.account()) as home:
        async with home.signing_in("matrix") as command:
            start = (await command.says(START_URL)).group()
            page = await Browser(world.evidence, "nobody").open(start)
            code, said = await command.exit_code(), command.said()
        assert code == 1, f"exit code {code}"
        assert "declined by the person" not in page.text, "the page repeats what the platform wrote"
        assert any(word in said.lower() for word in ("declin", "denied", "refused")), said[-1000:]
        assert not home.token_file("matrix").path.exists(), "a declined sign-in left a token.json"


@scenario()
async def sign_in_by_pasting_the_redirected_address(world):
    native = await world.native()
    with world.home("paste", matrix=native.account()) as home:
        async with home.signing_in("matrix") as command:
            await command.says(START_URL)
            authorize = (await command.says(rf"{native.service.url}/auth\?\S+")).group()
            redirected = await Browser(world.evidence, "alice").open(authorize, stop_before="/auth/callback")
            assert not redirected.status, f"never redirected, but ended at {redirected.url}"
            await command.write(redirected.url)
            home.expect_signed_in("matrix", await command.exit_code(), command.said())


@scenario()
async def sign_in_with_a_code_on_another_device(world):
    native = await world.native()
    with world.home("device", matrix=native.account()) as home:
        async with home.signing_in("matrix", "--device") as command:
            page, code = (await command.says(rf"({native.service.url}/device)\s+(\w+-\w+)")).groups()
            await Browser(world.evidence, "alice").open(f"{page}?user_code={code}")
            home.expect_signed_in("matrix", await command.exit_code(), command.said())


@scenario()
async def a_link_that_someone_else_made_signs_nobody_in(world):
    """A victim's browser lands on the callback of a flow that it did not start."""
    native = await world.native()
    with world.home("forged", matrix=native.account()) as home:
        async with home.signing_in("matrix") as command:
            start = (await command.says(START_URL)).group()
            attacker, victim = Browser(world.evidence, "mallory"), Browser(world.evidence, "alice")
            callback = await attacker.open(start, stop_before="/auth/callback")
            page = await victim.open(callback.url)
            assert page.status >= 400, f"the callback answered {page.status} to a browser without its cookie"
            assert not home.token_file("matrix").path.exists(), "someone else's account was linked"
