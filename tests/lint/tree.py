"""The project's own files: what git tracks or would track, as paths relative to the root."""

import os
import pathlib
import subprocess

ROOT = pathlib.Path(__file__).resolve().parents[2]
NOT_OURS = {".git", "__pycache__"}


def walk(root):
    """For a tree without git, such as an unpacked archive."""
    for folder, names, files in os.walk(root):
        names[:] = [n for n in names if n not in NOT_OURS and n != "build" and not n.startswith("build-")]
        yield from (os.path.relpath(os.path.join(folder, name), root) for name in files)


def files(root=ROOT):
    # safe.directory: through sudo the tree belongs to somebody else.
    command = ["git", "-c", f"safe.directory={root}", "-C", str(root), "ls-files", "-co", "--exclude-standard"]
    listed = subprocess.run(command, capture_output=True, text=True)
    names = listed.stdout.splitlines() if listed.returncode == 0 else walk(root)
    return sorted(name for name in names if (root / name).is_file())


def with_suffix(root, *suffixes):
    return [name for name in files(root) if name.endswith(suffixes)]


def cxx(root=ROOT):
    return with_suffix(root, ".cpp", ".hpp", ".c", ".h")


def shell(root=ROOT):
    """By suffix or by shebang."""
    def is_shell(name):
        if name.endswith(".sh"):
            return True
        if "." in name.rsplit("/", 1)[-1]:
            return False
        with open(root / name, "rb") as file:
            first = file.readline(64)
        return first.startswith(b"#!") and b"sh" in first
    return [name for name in files(root) if is_shell(name)]
