#!/usr/bin/python3
"""Every check of the source tree that needs no running program. One step is one function that returns problem lines.

usage: lint.py [--all] [--junit FILE] [STEP..]
"""

import argparse
import pathlib
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "lanes"))
import check_data  # noqa: E402
import check_layers  # noqa: E402
import check_sizes  # noqa: E402
import check_words  # noqa: E402
import junit  # noqa: E402
import tidy  # noqa: E402
import tools  # noqa: E402
import tree  # noqa: E402

STEPS = {
    "layers": lambda args: check_layers.problems(tree.ROOT),
    "sizes": lambda args: check_sizes.problems(tree.ROOT),
    "readmes": lambda args: check_words.readme_problems(tree.ROOT),
    "words": lambda args: check_words.word_problems(tree.ROOT),
    "links": lambda args: check_words.link_problems(tree.ROOT),
    "data": lambda args: check_data.problems(tree.ROOT),
    "shell": lambda args: tools.shellcheck(tree.ROOT),
    "format": lambda args: tools.clang_format(tree.ROOT),
    "tidy": lambda args: tidy.problems(tree.ROOT, fresh=args.all),
}


class Parser(argparse.ArgumentParser):
    """Wrong use ends with 1, as everywhere in `run`."""

    def error(self, message):
        self.exit(1, f"{self.prog}: {message}; see ./run help\n")


def parse(argv):
    parser = Parser(prog="./run lint", description="Checks the source tree.")
    parser.add_argument("--all", action="store_true", help="clang-tidy over everything, also where nothing changed")
    parser.add_argument("--quick", action="store_true", help="without clang-tidy, which takes minutes on a fresh clone")
    parser.add_argument("--junit", type=pathlib.Path, help="write the results there")
    parser.add_argument("steps", nargs="*", metavar="STEP", help=f"of: {' '.join(STEPS)}; all by default")
    args = parser.parse_args(argv)
    unknown = [step for step in args.steps if step not in STEPS]
    if unknown:
        parser.error(f"unknown step {' '.join(unknown)}; there are {' '.join(STEPS)}")
    return args


def main(argv):
    args = parse(argv)
    cases = []
    for name, step in STEPS.items():
        if (args.steps and name not in args.steps) or (args.quick and name == "tidy"):
            continue
        start = time.monotonic()
        found = step(args)
        cases.append((name, "\n".join(found)))
        verdict = f"{len(found)} problems" if found else "ok"
        print(f"lint: {name}: {verdict} in {time.monotonic() - start:.1f} s", file=sys.stderr)
        print("\n".join(found), end="\n" if found else "", flush=True)
    if args.junit:
        junit.write(args.junit, "lint", cases)
    return 1 if any(problem for _, problem in cases) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
