"""A newcomer clones the repository into an empty home and does what its pages say."""

import asyncio
import os
import re
import subprocess
from pathlib import Path

import walkthrough
from scenario import ALONE, Skip, scenario


class Newcomer:
    """A fresh clone and an empty home; only the toolchain and what it has compiled are old."""

    def __init__(self, world, name: str):
        self.home, self.clone = world.folder / name / "home", world.folder / name / "switchboard"
        self.home.mkdir(parents=True)
        git = ["git", "clone", "--quiet", "--no-hardlinks", world.repository, self.clone]
        subprocess.run(git, check=True, capture_output=True)
        old_home = Path.home()
        self.environment = {
            "PATH": os.environ["PATH"], "HOME": str(self.home), "TMPDIR": str(self.home),
            "CARGO_HOME": os.environ.get("CARGO_HOME", str(old_home / ".cargo")),
            "RUSTUP_HOME": os.environ.get("RUSTUP_HOME", str(old_home / ".rustup")),
            "CARGO_TARGET_DIR": os.environ["CARGO_TARGET_DIR"],
        }

    def page(self, name: str) -> str:
        """Returns a page of the clone."""
        page = self.clone / name
        if not page.exists():
            raise Skip(f"there is no {name}")
        return page.read_text()


@scenario(ALONE)
async def a_newcomer_tries_the_first_command_of_the_readme(world):
    newcomer = Newcomer(world, "newcomer")
    command = re.search(r"^\$? ?(cargo run .*sandbox call .*)$", newcomer.page("README.md"), re.MULTILINE)
    assert command, "README.md has no `cargo run … sandbox call …`"
    ran = await asyncio.to_thread(
        subprocess.run, ["bash", "-c", command[1]], cwd=newcomer.clone, env=newcomer.environment,
        stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=1200,
    )
    assert ran.returncode == 0, f"exit {ran.returncode}:\n{ran.stderr[-2000:]}"
    lines = ran.stdout.splitlines()
    spoken = [line for line in lines if re.match(r"\s*\d\d:\d\d ", line)]
    assert len(spoken) >= 3, f"not a readable transcript:\n{ran.stdout[:2000]}"


@scenario(ALONE)
async def adding_a_provider_works_word_for_word(world):
    newcomer = Newcomer(world, "walk-through")
    page = newcomer.page("docs/adding-a-provider.md")
    steps = await asyncio.to_thread(walkthrough.follow, page, newcomer.clone, newcomer.environment)
    assert steps >= 3, f"the page has only {steps} blocks to follow"


SAMPLE = """
```text title="notes/hello.txt"
one
two
```
```diff title="notes/hello.txt"
 one
-two
+2
```
```text
not a step
```
```console
$ cat notes/hello.txt
one
2
$ echo "it took 12.5 s to" \\
    "run"
it took 99.1 s to … run
```
"""


@scenario()
async def the_walk_through_follows_a_page_to_the_letter(world):
    folder = world.folder / "sample"
    folder.mkdir()
    assert walkthrough.follow(SAMPLE, folder, dict(os.environ)) == 3
    assert (folder / "notes/hello.txt").read_text() == "one\n2\n"
    for true, false in (("-two", "-three"), ("$ cat notes", "$ cat nothing"), ("one\n2", "one\nsix")):
        broken = SAMPLE.replace(true, false)
        try:
            walkthrough.follow(broken, folder, dict(os.environ))
        except AssertionError:
            continue
        raise AssertionError(f"followed a page that says `{false}` instead of `{true}`")
