"""clang-tidy 19 over every source file of the dev build, in parallel, remembering what was clean.

A file is looked at again when its text, a header of ours that it includes, its compile command, a .clang-tidy, or the
installed compiler and libraries changed. Clean results are kept by content under the user's cache folder, so that a
second clone profits as it does from ccache. A result with findings is never kept.
"""

import concurrent.futures
import hashlib
import json
import os
import pathlib
import shlex
import subprocess
import sys
import time

import tree

TOOL = "clang-tidy-19"
KEPT_SECONDS = 30 * 24 * 3600


def cache_folder():
    base = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache")
    return base / "conntruth" / "tidy"


def commands(root):
    """file -> compile command, for our own sources."""
    with open(root / "build" / "compile_commands.json", encoding="utf-8") as file:
        entries = json.load(file)
    return {e["file"]: e for e in entries if not e["file"].startswith(str(root / "build"))}


def output_of(entry):
    """The object that a compile command writes; CMake 3.25 tells it inside of the command only."""
    words = shlex.split(entry["command"])
    return words[words.index("-o") + 1] if "-o" in words else None


def dependencies(root):
    """object -> every header that ninja saw the compiler read."""
    done = subprocess.run(["ninja", "-C", root / "build", "-t", "deps"], capture_output=True, text=True, check=True)
    found, current = {}, None
    for line in done.stdout.splitlines():
        if line.startswith(" "):
            current.append(line.strip())
        elif line:
            current = found.setdefault(line.split(":")[0], [])
    return found


def configurations(root):
    """The root's checks and those of folders that have their own."""
    return [root / name for name in tree.with_suffix(root, ".clang-tidy")]


def system_stamp():
    """Changes whenever Debian's packages change, and with them tools and system headers."""
    status = os.stat("/var/lib/dpkg/status")
    return f"{status.st_mtime_ns} {status.st_size}"


class Keys:
    """Content keys of compile commands; each file is read and hashed once."""

    def __init__(self, root):
        self.root = root
        self.headers = dependencies(root)
        self.hashes = {}
        config = [path.read_bytes() for path in (*configurations(root), pathlib.Path(__file__))]
        self.common = hashlib.sha256(b"\0".join([*config, system_stamp().encode()])).hexdigest()

    def hash_of(self, path):
        if path not in self.hashes:
            try:
                self.hashes[path] = hashlib.sha256(path.read_bytes()).hexdigest()
            except OSError:
                self.hashes[path] = "gone"
        return self.hashes[path]

    def key(self, entry):
        """None where the headers are not known, as for a file that was never compiled."""
        headers = self.headers.get(output_of(entry))
        if headers is None:
            return None
        paths = sorted({pathlib.Path(entry["directory"], name).resolve() for name in [*headers, entry["file"]]})
        ours = [path for path in paths if path.is_relative_to(self.root)]
        parts = [self.common, entry["command"].replace(str(self.root), "")]
        parts += [f"{path.relative_to(self.root)} {self.hash_of(path)}" for path in ours]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()


def examine(root, entry):
    headers = f"--header-filter=^{root}/(agent|common|controller|lab|tests)/"
    done = subprocess.run([TOOL, "--quiet", "-p", root / "build", headers, entry["file"]], cwd=root,
                          capture_output=True, text=True, stdin=subprocess.DEVNULL)
    if done.returncode == 0:
        return []
    lines = [line.replace(f"{root}/", "") for line in done.stdout.splitlines()]
    wanted = [line for line in lines if "error: " in line or "warning: " in line]
    return wanted or [f"{entry['file']}: {TOOL} ended with {done.returncode}: {done.stderr.strip()[-400:]}"]


def forget_old(folder):
    for path in folder.glob("*"):
        if time.time() - path.stat().st_mtime > KEPT_SECONDS:
            path.unlink(missing_ok=True)


def problems(root, fresh=False):
    # Generated headers, and what ninja knows of included headers, come from a build.
    if subprocess.run(["./run", "build"], cwd=root, stdin=subprocess.DEVNULL, stdout=sys.stderr).returncode != 0:
        return ["the tree does not build, so that clang-tidy cannot look at it"]
    folder, keys = cache_folder(), Keys(root)
    folder.mkdir(parents=True, exist_ok=True)
    forget_old(folder)
    entries = commands(root)
    keyed = {name: keys.key(entry) for name, entry in entries.items()}
    stale = [name for name, key in keyed.items() if fresh or key is None or not (folder / key).exists()]
    print(f"lint: tidy: {len(stale)} of {len(entries)} files to look at", file=sys.stderr, flush=True)
    found = set()
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count() or 1) as pool:
        for name, lines in zip(stale, pool.map(lambda name: examine(root, entries[name]), stale)):
            found.update(lines)
            if not lines and keyed[name]:
                (folder / keyed[name]).touch()
    return sorted(found)
