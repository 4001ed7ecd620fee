"""Prose: a README in every folder, links that lead somewhere, no words that mean nothing outside one workplace."""

import re

import check_sizes
import tree

# Folders whose files need no README of their own: what holds them explains them.
NO_README = re.compile(r"\.ci|docs/decisions|proto/.*|tests/(unit|lab|fuzz/corpus)/.*|tests/kube/(v.*|coredns.*|helm)|deploy/(kustomize|helm)/.+|.*/testdata(/.*)?")
# Written so that this file does not match itself.
FORBIDDEN = (
    (re.compile(r"/wor[k]/(main|h|shared|\.)"), "a path that exists on one workplace only"),
    (re.compile(r"shared/(referenc[e]|desig[n]\.md)"), "notes that are not part of this tree"),
    (re.compile(r"/tmp/brie[f]"), "a path that exists on one workplace only"),
    (re.compile(r"\bissues sho[w]\b"), "a tool that is not part of this tree"),
    (re.compile(r"^(<{7}|>{7}) ", re.M), "a merge conflict"),
)
LINK = re.compile(r"\[[^\]]*\]\(([^)#\s]+)[^)]*\)")
NAMED_FILE = re.compile(r"`([\w.-]+(?:/[\w.-]+)+\.\w+)`")
TRUE_TO_THE_TREE = "docs/ARCHITECTURE.md"  # every file that it names in backticks must exist
FENCE = re.compile(r"^```.*?^```", re.M | re.S)


def text_of(root, name):
    data = (root / name).read_bytes()
    return "" if b"\0" in data else data.decode("utf-8", errors="replace")


def word_problems(root):
    found = []
    for name in tree.files(root):
        text = text_of(root, name)
        for pattern, reason in FORBIDDEN:
            found += [f"{name}:{text.count(chr(10), 0, m.start()) + 1}: '{m[0].strip()}': {reason}" for m in pattern.finditer(text)]
    return found


def link_problems(root):
    """Relative links of Markdown files; what is inside a code block is no link."""
    found = []
    for name in tree.with_suffix(root, ".md"):
        folder = (root / name).parent
        for target in LINK.findall(FENCE.sub("", text_of(root, name))):
            if "://" not in target and not target.startswith("mailto:") and not (folder / target).exists():
                found.append(f"{name}: the link to {target} leads nowhere")
    if (root / TRUE_TO_THE_TREE).exists():
        found += [f"{TRUE_TO_THE_TREE}: names {target}, which does not exist"
                  for target in NAMED_FILE.findall(text_of(root, TRUE_TO_THE_TREE)) if not (root / target).exists()]
    return found


def readme_problems(root):
    names = tree.files(root)
    folders = sorted({name.rsplit("/", 1)[0] for name in names if "/" in name})
    found = [f"{folder}: has no README.md (what lives here, what may not, how to test it alone)"
             for folder in folders if not NO_README.fullmatch(folder) and f"{folder}/README.md" not in names]
    for name in names:
        if "/" in name and name.endswith("/README.md"):
            lines = check_sizes.count(root, name)
            if lines > check_sizes.README_LINES:
                found.append(f"{name}: has {lines} lines, at most {check_sizes.README_LINES} are allowed")
    return found
