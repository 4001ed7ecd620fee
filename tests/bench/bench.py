#!/usr/bin/python3
"""Times the figures of figures.py over several runs and prints minimum, median and maximum. Asserts no time.

Exit code 1 where a command failed: a figure of a failed run is no figure.
"""

import argparse
import json
import os
import pathlib
import platform
import resource
import statistics
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from figures import FIGURES  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]


def say(text):
    print(f"bench: {text}", file=sys.stderr, flush=True)


def shell(text, binaries, output=subprocess.DEVNULL):
    """Exit code, seconds, output where it is wanted, and the last words of a command."""
    start = time.monotonic()
    done = subprocess.run(["bash", "-c", text.format(bin=binaries)], cwd=ROOT, stdin=subprocess.DEVNULL,
                          stdout=output, stderr=subprocess.PIPE, text=True, errors="replace")
    return done.returncode, time.monotonic() - start, (done.stdout or "").strip(), done.stderr.strip()[-300:]


def once(figure, binaries):
    """Seconds and output of one run, or the reason why there is none."""
    try:
        code, _, _, words = shell(figure.before, binaries)
        if code != 0:
            return None, "", f"preparing ended with {code}: {words}"
        code, seconds, output, words = shell(figure.command, binaries, subprocess.PIPE if figure.shows else subprocess.DEVNULL)
        return (seconds, output, "") if code in figure.exit_codes else (None, "", f"ended with {code}: {words}")
    finally:
        shell(figure.after, binaries)


def measure(figure, runs, binaries):
    seconds = []
    for number in range(runs):
        value, output, reason = once(figure, binaries)
        if reason:
            return {"name": figure.name, "wantSeconds": figure.want_seconds, "error": reason}
        say(f"{figure.name}: run {number + 1} of {runs}: {value:.2f} s")
        seconds.append(value)
    result = {"name": figure.name, "wantSeconds": figure.want_seconds, "seconds": [round(s, 4) for s in seconds]}
    return result | ({"output": output} if output else {})


def wanted(result):
    return "-" if result["wantSeconds"] is None else f"{result['wantSeconds']:.1f}"


def row(result):
    if "error" in result:
        return f"{result['name']:<14} {'-':>8} {'-':>8} {'-':>8} {wanted(result):>8}  {result['error']}"
    values = result["seconds"]
    return (f"{result['name']:<14} {min(values):>8.2f} {statistics.median(values):>8.2f} {max(values):>8.2f}"
            f" {wanted(result):>8}  {len(values)} runs" + (f"\n  {result['output']}" if "output" in result else ""))


def sizes(binaries):
    """Sizes in MiB of the programs, and the largest memory that one of the timed commands and its children took."""
    programs = sorted(path for path in pathlib.Path(binaries).glob("conntruth*") if path.is_file())
    found = {path.name: round(path.stat().st_size / 2**20, 1) for path in programs}
    found["peak memory of a command"] = round(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024, 1)
    return found


def machine():
    return {"kernel": platform.release(), "cores": os.cpu_count(), "load1": round(os.getloadavg()[0], 2)}


class Parser(argparse.ArgumentParser):
    def error(self, message):
        self.exit(1, f"{self.prog}: {message}; see ./run help\n")


def parse(argv):
    names = [figure.name for figure in FIGURES]
    parser = Parser(prog="./run bench", description="Times and sizes with their spread.")
    parser.add_argument("--runs", type=int, default=5, help="how often each figure is taken")
    parser.add_argument("--bin", help="folder of the programs; without it, the release preset is built first")
    parser.add_argument("-o", dest="output", choices=("table", "json"), default="table")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"of: {' '.join(names)}; all by default")
    args = parser.parse_args(argv)
    unknown = [name for name in args.names if name not in names]
    if unknown:
        parser.error(f"unknown figure {' '.join(unknown)}; there are {' '.join(names)}")
    if args.runs < 1:
        parser.error(f"--runs {args.runs}: want at least 1")
    return args


def release_build():
    done = subprocess.run(["./run", "build", "--preset", "release"], cwd=ROOT, stdin=subprocess.DEVNULL, stdout=sys.stderr)
    if done.returncode != 0:
        sys.exit(1)
    return str(ROOT / "build-release" / "bin")


def main(argv):
    args = parse(argv)
    args.bin = args.bin or release_build()
    about = machine()
    results = [measure(figure, args.runs, args.bin) for figure in FIGURES if not args.names or figure.name in args.names]
    if args.output == "json":
        print(json.dumps({"machine": about, "figures": results, "mebibytes": sizes(args.bin)}, indent=2))
    else:
        print(f"kernel {about['kernel']}, {about['cores']} cores, load {about['load1']} at the start; seconds")
        print(f"{'figure':<14} {'min':>8} {'median':>8} {'max':>8} {'wanted':>8}")
        print("\n".join(row(result) for result in results))
        print("MiB: " + ", ".join(f"{name} {size}" for name, size in sizes(args.bin).items()))
    return 1 if any("error" in result for result in results) else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
