#!/usr/bin/python3
"""One kernel of expected.yaml in a guest: the walk's own tests, then a lab with planted faults that conntruth has to find,
to explain as far as this kernel lets it, and to say what it could not see and why.

usage: vm_test.py KERNEL     exit code 0, or 1 and one line per difference; all that the guest said: build/results/vm-KERNEL.log
"""

import pathlib
import re
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import guest  # noqa: E402
import yaml  # noqa: E402

SECONDS = 3000
FULL = re.compile(r"^counted in the tool: conntrack-dropped \d+ \(.*node-2 \d+\)$", re.M)
CAUSE = re.compile(r"^cause of (\d+) red cells? \(([a-z-]+)\): (.*)$", re.M)
MISSING = re.compile(r"^evidence without (.*) \(\d+ agents?\)$", re.M)


def run_of(fault):
    """The fault's own cells, of one family."""
    return f"conntruth run --lab vm --select '{fault['cells']}' --protocol {fault['protocol']} --ip-family ipv4 --quiet"


def lab_of(faults):
    """One lab for all of them: healthy first, then with each in turn."""
    lines = ["conntruth lab up --name vm --nodes 2 --pods 1 || exit 1", run_of(faults[0])]
    for fault in faults:
        lines += [f"echo 'guest: planted {fault['fault']}'",
                  f"conntruth lab fault plant vm {fault['fault']} || exit 1",
                  run_of(fault),
                  f"conntruth lab fault heal vm {fault['fault']} || exit 1"]
    # The size of the table is the whole machine's, and can be changed in a guest alone.
    lines += ["echo 'guest: full table'", "echo 100 >/proc/sys/net/netfilter/nf_conntrack_max", run_of(faults[0])]
    return "\n".join([*lines, "conntruth lab down vm", ""])


def tasks_of(expected):
    given = "CONNTRUTH_PATIENCE=20 CONNTRUTH_SOURCE_DIR=/opt/conntruth/source"
    return {**{name: f"{given} {name} --gtest_filter='{select}'" for name, select in expected["tests"].items()}, "lab": lab_of(expected["faults"])}


def judge_tests(name, task):
    """Every chosen test ran and passed: a filter that fits nothing, and a skip, are differences, too."""
    if task is None or task.code is None:
        return [f"{name} did not come to its end"]
    found = [f"{name}: {line}" for line in task.output.splitlines() if line.startswith(("[  FAILED", "[  SKIPPED"))]
    if task.code != 0 and not found:
        found.append(f"{name} ended with {task.code}")
    if not found and not re.search(r"^\[  PASSED  \] [1-9]", task.output, re.M):
        found.append(f"{name}: nothing ran")
    return found


def judge_fault(output, fault, missing):
    found = []
    if not re.search(r"^\S+ +\d+ cells +FAIL", output, re.M):
        found.append("was not found")
    said = sorted(MISSING.findall(output))
    if said != sorted(missing):
        found.append(f"said to be missing: {said}, expected: {sorted(missing)}")
    causes = CAUSE.findall(output)
    if not causes:
        found.append("no red cell has a cause")
    for _, code, text in causes:
        if code != fault["cause"] or fault["says"] not in text:
            found.append(f"cause {code}: {text}; expected {fault['cause']} with '{fault['says']}'")
    return [f"{fault['fault']}: {line}" for line in found]


def judge_lab(task, expected):
    if task is None or task.code is None:
        return ["the lab did not come to its end"]
    before, _, full = task.output.partition("guest: full table\n")
    healthy, *planted = before.split("guest: planted ")
    by_fault = dict(part.split("\n", 1) for part in planted)
    found = []
    # How soon a node follows a change is the emulator's doing here, and another row of the report.
    if not re.search(r"^clusterip +\d+ cells +ok$", healthy, re.M):
        found.append("the healthy lab is not green")
    for fault in expected["faults"]:
        found += judge_fault(by_fault.get(fault["fault"], ""), fault, expected["missing"])
    if not FULL.search(full) or re.search(r"^PASS", full, re.M):
        found.append("what a full conntrack table threw away was not told")
    return found


def judge(seen, expected):
    if not seen.done:
        return ["the guest did not come to its last line (a panic, or too slow)"]
    found = []
    for name in expected["tests"]:
        found += judge_tests(name, seen.tasks.get(name))
    return found + judge_lab(seen.tasks.get("lab"), expected)


def expectations():
    return yaml.safe_load((guest.HERE / "expected.yaml").read_text(encoding="utf-8"))


def main(argv):
    everything = expectations()
    if len(argv) != 1 or argv[0] not in everything:
        print(f"usage: vm_test.py {' | '.join(everything)}", file=sys.stderr)
        return 1
    console = guest.ROOT / "build" / "results" / f"vm-{argv[0]}.log"
    console.parent.mkdir(parents=True, exist_ok=True)
    seen = guest.run(argv[0], tasks_of(everything[argv[0]]), console, SECONDS)
    found = judge(seen, everything[argv[0]])
    print(f"kernel {seen.kernel or 'that said nothing'}: {'as expected' if not found else 'not as expected'}; see {console}")
    print("\n".join(found))
    if found:
        print(seen.console[-3000:])
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
