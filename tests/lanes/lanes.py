#!/usr/bin/python3
"""Runs the test lanes and prints one closing line: `N passed, N failed, N skipped`.

A lane is a build preset plus the ctest labels that run in it, or the lint. What counts is read from JUnit files, never
from the words a tool prints. A lane that cannot be built, or runs nothing, is a failed lane: an empty lane cannot fail,
so it proves nothing. Everything a lane prints is kept under build/results/.
"""

import argparse
import dataclasses
import os
import pathlib
import platform
import shutil
import subprocess
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import junit  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parents[2]
RESULTS = ROOT / "build" / "results"
SANITIZER_ENV = {
    "ASAN_OPTIONS": "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "print_stacktrace=1",
    "TSAN_OPTIONS": "halt_on_error=1:second_deadlock_stack=1",
}


@dataclasses.dataclass(frozen=True)
class Lane:
    name: str
    preset: str  # empty: the lint, which is no ctest
    labels: str  # ctest label expression
    targets: tuple  # what to build; empty: everything
    parallel: bool  # lab tests want both cores for themselves
    setup: tuple = ()  # arguments of `./run setup` for what the lane needs beyond packages
    on_request: bool = False  # not without --lane
    fixed_addresses: bool = False  # ThreadSanitizer of g++ 12 cannot start under some kernels' address randomization


LANES = (
    Lane("unit", "dev", "^unit$", (), True),
    Lane("lab", "dev", "^lab$", (), False),
    Lane("faults", "dev", "^faults$", (), False),
    # Real kube-apiserver and kube-proxy; the first time it builds them.
    Lane("kube", "dev", "^kube$", ("tests_kube",), False, ("kube",)),
    # The packet walk in guests with other kernels: minutes of emulation, and packages that only it needs.
    Lane("vm", "dev", "^vm$", ("tests_vm",), False, ("vm",), on_request=True),
    Lane("lint", "", "", (), True),
    # The rooms that read bytes from outside, and the engine with its responders on real packets.
    Lane("asan", "asan", "^(unit|lab)$", ("unit_common", "unit_common_codec", "unit_common_stats", "unit_common_wire",
                                          "unit_common_world", "unit_controller_fleet", "unit_kube",
                                          "unit_controller_store",
                                          "unit_agent_io", "unit_agent_probe", "unit_agent_session", "lab_agent"), True),
    # Only rooms with threads: the others cannot race, and building them once more costs minutes.
    Lane("tsan", "tsan", "^unit$", ("unit_agent_io", "unit_agent_probe", "unit_agent_session",
                                    "unit_controller_fleet", "unit_kube", "unit_controller_store"),
         True, fixed_addresses=True),
)


def say(text):
    print(f"test: {text}", file=sys.stderr, flush=True)


def logged(command, log, **kwargs):
    """Runs a command with everything it prints going to an open log file; the value is its exit code."""
    log.write(f"$ {' '.join(map(str, command))}\n")
    log.flush()
    return subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log, **kwargs).returncode


def prefix(lane):
    command = ["setarch", platform.machine(), "-R"]
    if not lane.fixed_addresses or shutil.which("setarch") is None:
        return []
    return command if subprocess.run([*command, "true"], stderr=subprocess.DEVNULL).returncode == 0 else []


def build_dir(preset):
    return ROOT / ("build" if preset == "dev" else f"build-{preset}")


def ctest(lane, select, log, report):
    jobs = str(os.cpu_count() or 1) if lane.parallel else "1"
    # Tests that ctest knows although their programs were not built for this lane.
    unbuilt = ["-E", r"^(Oracle|fuzz)\."] if lane.targets else []
    command = [*prefix(lane), "ctest", "--test-dir", build_dir(lane.preset), "-L", lane.labels, "-j", jobs, *unbuilt,
               "--output-junit", report, "--no-tests=ignore", "--test-output-size-passed", "4096"]
    return logged(command + (["-R", select] if select else []), log, env={**os.environ, **SANITIZER_ENV})


def run_ctest_lane(lane, select, log, report):
    if lane.setup and logged(["./run", "setup", *lane.setup], log) != 0:
        return junit.failure(lane.name, "setup", f"./run setup {' '.join(lane.setup)} failed; see {log.name}")
    if logged([*prefix(lane), "./run", "build", "--preset", lane.preset, *lane.targets], log) != 0:
        return junit.failure(lane.name, "build", f"preset {lane.preset} does not build; see {log.name}")
    code = ctest(lane, select, log, report)
    results = junit.read(report, lane.name)
    if not results.cases and not select:
        return junit.failure(lane.name, "lane", f"no test carries the label {lane.labels}: an empty lane proves nothing")
    if code != 0 and not results.failed():
        return results + junit.failure(lane.name, "ctest", f"ctest ended with {code}; see {log.name}")
    return results


def run_lint_lane(log, report):
    code = logged(["/usr/bin/python3", "tests/lint/lint.py", "--quick", "--junit", report], log)
    results = junit.read(report, "lint")
    if code != 0 and not results.failed():
        return results + junit.failure("lint", "lint", f"the lint ended with {code}; see {log.name}")
    return results


def run_lane(lane, select):
    report = RESULTS / f"{lane.name}.xml"
    report.unlink(missing_ok=True)
    start = time.monotonic()
    say(f"{lane.name}: started")
    with open(RESULTS / f"{lane.name}.log", "w", encoding="utf-8") as log:
        results = run_ctest_lane(lane, select, log, report) if lane.preset else run_lint_lane(log, report)
    say(f"{lane.name}: {results.line()} in {time.monotonic() - start:.0f} s")
    for case in results.failed():
        say(f"FAILED {case.lane}: {case.name}\n{case.text}")
    return results


def skip_budget(path=ROOT / "tests" / "skip_budget.txt"):
    lines = (line.split("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return int(next(line for line in lines if line))


def judge_skips(results, budget):
    """Skips are shown with their reasons; more of them than the budget allows is a failure of its own."""
    for case in results.skipped():
        say(f"skipped {case.lane}: {case.name}: {case.text}")
    if len(results.skipped()) <= budget:
        return results
    text = f"{len(results.skipped())} tests were skipped, tests/skip_budget.txt allows {budget}"
    say(f"FAILED {text}")
    return results + junit.failure("test", "skip budget", text)


class Parser(argparse.ArgumentParser):
    """Wrong use ends with 1, as everywhere in `run`; 2 means that a check failed."""

    def error(self, message):
        self.exit(1, f"{self.prog}: {message}; see ./run help\n")


def parse(argv):
    names = [lane.name for lane in LANES]
    parser = Parser(prog="./run test", description="Runs the test lanes.")
    parser.add_argument("--lane", action="append", choices=names, help="only this lane; may be given more than once")
    parser.add_argument("-R", dest="select", metavar="RE", help="only tests whose name matches (leaves out the lint)")
    args = parser.parse_args(argv)
    chosen = [lane for lane in LANES if (lane.name in args.lane if args.lane else not lane.on_request)]
    return ([lane for lane in chosen if lane.preset] if args.select else chosen), args.select


def main(argv):
    lanes, select = parse(argv)
    RESULTS.mkdir(parents=True, exist_ok=True)
    results = junit.Results(())
    for lane in lanes:
        results += run_lane(lane, select)
    if not results.cases:
        results = junit.failure("test", "selection", f"no test's name matches {select!r}")
        say(f"FAILED {results.cases[0].text}")
    results = judge_skips(results, skip_budget())
    print(results.line(), flush=True)
    return 1 if results.failed() else 0


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
