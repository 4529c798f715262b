"""The real MCP servers that the suite puts behind the proxy: how each is prepared, started, and asked."""

import os
import shutil
import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from .installs import GIT, NODE, Environment
from .steps import CLOCK, DATE, SESSION, Step, call, complete, lists, prompt, read
from .wire import Era

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d4948445200000001000000010806000000"
    "1f15c4890000000d49444154789c6360606060000000050001a5f645400000000049454e44ae426082"
)
PLACE = Path("/upstream/data")
"""Stands for the folder where only the labels and names of the steps matter."""
DAY = 1_767_225_600
"""2026-01-01T00:00:00Z, the time of every file and commit that the suite makes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Upstream:
    """`eras` are the eras it speaks itself; `command` runs it (over stdio, or as an HTTP server on $PORT)."""

    name: str
    environment: Environment
    eras: tuple[Era, ...]
    over_http: bool = False
    prepare: Callable[[Path], None]
    command: Callable[[Path], Sequence[str]]
    steps: Callable[[Path], Sequence[Step]]


def _nothing(_: Path) -> None:
    pass


def _everything_steps(_: Path) -> Sequence[Step]:
    department = {"type": "ref/prompt", "name": "completable-prompt"}
    template = {"type": "ref/resource", "uri": "demo://resource/dynamic/text/{resourceId}"}
    slow = call("trigger-long-running-operation", {"duration": 0.4, "steps": 4})
    slow.params["_meta"] = {"progressToken": "p1"}
    return [
        *lists("tools", "resources", "resources/templates", "prompts"),
        call("echo", {"message": "grüß dich, 世界 \u2028 👋"}),
        call("echo", {}, note="without its argument"),
        call("get-annotated-message", {"messageType": "error", "includeImage": True}),
        call("get-env"),
        call("get-resource-links", {"count": 4}),
        call("get-resource-reference", {"resourceType": "Text", "resourceId": 2}, note="text", varies=[CLOCK]),
        call("get-resource-reference", {"resourceType": "Blob", "resourceId": 3}, note="blob", varies=[CLOCK]),
        call("get-structured-content", {"location": "Chicago"}),
        call("get-structured-content", {"location": "Atlantis"}, note="refused"),
        call("get-sum", {"a": 0.1, "b": 9007199254740991}),
        call("get-tiny-image"),
        call("gzip-file-as-resource", {"name": "a.gz", "data": "data:text/plain,hello", "outputType": "resource"}),
        call("toggle-simulated-logging", varies=[SESSION]),
        call("toggle-simulated-logging", note="off", varies=[SESSION]),
        call("toggle-subscriber-updates", varies=[SESSION]),
        call("toggle-subscriber-updates", note="off", varies=[SESSION]),
        slow,
        call("simulate-research-query", {"topic": "bees"}, note="without a task"),
        read("demo://resource/dynamic/text/7", varies=[CLOCK]),
        read("demo://resource/dynamic/blob/8", varies=[CLOCK]),
        read("demo://resource/static/document/features.md"),
        read("demo://resource/dynamic/text/minus-one"),
        prompt("simple-prompt"),
        prompt("args-prompt", {"city": "Chicago", "state": "IL"}),
        prompt("args-prompt-unknown"),
        prompt("completable-prompt", {"department": "Sales", "name": "Eve"}),
        prompt("resource-prompt", {"resourceType": "Blob", "resourceId": "5"}, varies=[CLOCK]),
        complete("a prompt's argument", department, "department", "S"),
        complete("in context", department, "name", "", {"department": "Sales"}),
        complete("a template's variable", template, "resourceId", "12"),
    ]


def _fill_folder(folder: Path) -> None:
    _empty(folder)
    (folder / "notes.txt").write_text("one\ntwo\nthree\n")
    (folder / "pixel.png").write_bytes(PIXEL)
    (folder / "data.bin").write_bytes(bytes(range(256)))
    (folder / "sub").mkdir()
    (folder / "sub" / "deep.md").write_text("# deep\n")
    for path in (*folder.rglob("*"), folder):
        os.utime(path, (DAY, DAY))


def _filesystem_steps(folder: Path) -> Sequence[Step]:
    notes, deep = str(folder / "notes.txt"), str(folder / "sub" / "deep.md")
    edit = {"path": notes, "edits": [{"oldText": "two", "newText": "2"}]}
    return [
        *lists("tools"),
        call("list_allowed_directories"),
        call("read_file", {"path": notes}),
        call("read_text_file", {"path": notes, "head": 2}),
        call("read_text_file", {"path": str(folder / "absent")}, note="of no file"),
        call("read_text_file", {"path": "/etc/hostname"}, note="outside"),
        call("read_media_file", {"path": str(folder / "pixel.png")}, note="image"),
        call("read_media_file", {"path": str(folder / "data.bin")}, note="bytes"),
        call("read_multiple_files", {"paths": [notes, deep, str(folder / "absent")]}),
        call("list_directory", {"path": str(folder)}),
        call("list_directory_with_sizes", {"path": str(folder), "sortBy": "size"}),
        call("directory_tree", {"path": str(folder)}),
        call("search_files", {"path": str(folder), "pattern": "**/*.md"}),
        call("get_file_info", {"path": notes}, varies=[DATE]),
        call("write_file", {"path": str(folder / "new.txt"), "content": "née\u2028\n"}),
        call("edit_file", edit | {"dryRun": True}, note="dry"),
        call("edit_file", edit),
        call("create_directory", {"path": str(folder / "a" / "b")}),
        call("move_file", {"source": deep, "destination": str(folder / "a" / "moved.md")}),
        call("directory_tree", {"path": str(folder)}, note="afterwards"),
        call("read_text_file", {"path": notes}, note="afterwards"),
    ]


def _fill_repository(folder: Path) -> None:
    _empty(folder)
    _git(folder, "init", "--quiet", "--initial-branch=main")
    for key, value in (("user.name", "Ada"), ("user.email", "ada@example.com"), ("commit.gpgsign", "false")):
        _git(folder, "config", key, value)
    for number in (1, 2):
        (folder / "file.txt").write_text(f"version {number}\n")
        _git(folder, "add", "file.txt")
        _git(folder, "commit", "--quiet", "--message", f"version {number}")
    (folder / "file.txt").write_text("version 3\n")
    (folder / "other.txt").write_text("untracked\n")


def _git_steps(folder: Path) -> Sequence[Step]:
    here = {"repo_path": str(folder)}
    return [
        *lists("tools"),
        call("git_status", here),
        call("git_status", {"repo_path": str(folder.parent)}, note="outside"),
        call("git_status", {}, note="without its argument"),
        call("git_diff_unstaged", here),
        call("git_add", here | {"files": ["file.txt", "other.txt"]}),
        call("git_diff_staged", here | {"context_lines": 1}),
        call("git_reset", here),
        call("git_add", here | {"files": ["file.txt"]}, note="again"),
        call("git_commit", here | {"message": "version 3"}),
        call("git_diff", here | {"target": "HEAD~2"}),
        call("git_log", here | {"max_count": 2}),
        call("git_show", here | {"revision": "HEAD"}),
        call("git_show", here | {"revision": "nowhere"}, note="of no commit"),
        call("git_create_branch", here | {"branch_name": "side", "base_branch": "main"}),
        call("git_checkout", here | {"branch_name": "side"}),
        call("git_branch", here | {"branch_type": "local"}),
        call("git_status", here, note="afterwards"),
    ]


def _dated() -> dict[str, str]:
    """Makes commit ids the same in every run, and the machine's own git settings of no effect."""
    date = f"{DAY} +0000"
    return {"GIT_AUTHOR_DATE": date, "GIT_COMMITTER_DATE": date, "GIT_CONFIG_GLOBAL": os.devnull}


def _git(folder: Path, *arguments: str) -> None:
    subprocess.run(["git", *arguments], cwd=folder, env=os.environ | _dated(), check=True, capture_output=True)


def _empty(folder: Path) -> None:
    """Empties the folder but keeps it, since a server may be bound to it."""
    folder.mkdir(exist_ok=True)
    for path in folder.iterdir():
        shutil.rmtree(path) if path.is_dir() else path.unlink()


EVERYTHING_HTTP = Upstream(
    name="everything-http",
    environment=NODE,
    eras=("handshake",),
    over_http=True,
    prepare=_nothing,
    command=lambda _: [f"{NODE.bin}/node", f"{NODE.bin}/mcp-server-everything", "streamableHttp"],
    steps=_everything_steps,
)
EVERYTHING_STDIO = Upstream(
    name="everything-stdio",
    environment=NODE,
    eras=("handshake",),
    prepare=_nothing,
    command=lambda _: ["npx", "--prefix", str(NODE.folder), "--no", "mcp-server-everything", "stdio"],
    steps=_everything_steps,
)
FILESYSTEM = Upstream(
    name="filesystem",
    environment=NODE,
    eras=("handshake",),
    prepare=_fill_folder,
    command=lambda folder: [f"{NODE.bin}/node", f"{NODE.bin}/mcp-server-filesystem", str(folder)],
    steps=_filesystem_steps,
)
REPOSITORY = Upstream(
    name="git",
    environment=GIT,
    eras=("handshake", "modern"),
    prepare=_fill_repository,
    command=lambda folder: [
        "env",
        *(f"{key}={value}" for key, value in _dated().items()),
        *(f"{GIT.bin}/mcp-server-git", "--repository", str(folder)),
    ],
    steps=_git_steps,
)
UPSTREAMS = (EVERYTHING_HTTP, EVERYTHING_STDIO, FILESYSTEM, REPOSITORY)
