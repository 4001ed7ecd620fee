"""Checkers from Debian over our files: clang-format 19 and shellcheck."""

import subprocess

import tree

CLANG_FORMAT = "clang-format-19"


def run(root, command, names):
    """Problem lines that a checker printed; nothing where it was content."""
    if not names:
        return []
    done = subprocess.run([*command, *names], cwd=root, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    lines = (done.stdout + done.stderr).strip().splitlines()
    return [] if done.returncode == 0 else lines or [f"{command[0]} ended with {done.returncode}"]


def clang_format(root):
    names = tree.cxx(root)
    lines = run(root, [CLANG_FORMAT, "--dry-run", "-Werror"], names)
    wrong = sorted({line.split(":")[0] for line in lines if "-Wclang-format-violations" in line})
    if lines and not wrong:
        return lines
    return [f"{name}: not formatted; run {CLANG_FORMAT} -i {name}" for name in wrong]


def shellcheck(root):
    return run(root, ["shellcheck", "--external-sources", "--format=gcc"], tree.shell(root))
