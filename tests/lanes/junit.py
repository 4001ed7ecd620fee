"""Reads what a test run left as JUnit XML into plain values, and writes the same format for our own checks."""

import dataclasses
import re
import xml.etree.ElementTree as ET

PASSED, FAILED, SKIPPED = "passed", "failed", "skipped"
SHOWN = 6000  # characters of a failed test's output that are worth showing


@dataclasses.dataclass(frozen=True)
class Case:
    lane: str
    name: str
    outcome: str
    text: str = ""  # the reason of a skip, the output of a failure


@dataclasses.dataclass(frozen=True)
class Results:
    cases: tuple

    def __add__(self, other):
        return Results(self.cases + other.cases)

    def of(self, outcome):
        return [case for case in self.cases if case.outcome == outcome]

    def failed(self):
        return self.of(FAILED)

    def skipped(self):
        return self.of(SKIPPED)

    def line(self):
        return f"{len(self.of(PASSED))} passed, {len(self.failed())} failed, {len(self.skipped())} skipped"


def failure(lane, name, text):
    return Results((Case(lane, name, FAILED, text),))


def skip_reason(output):
    """What GoogleTest printed under `FILE:LINE: Skipped`."""
    reason = re.search(r"^.*:\d+: Skipped\n(.+?)\n\n", output, re.MULTILINE | re.DOTALL)
    return " ".join(reason.group(1).split()) if reason else "no reason given"


def complaints(output):
    """The failures alone of a GoogleTest program that ran many tests, each after its test's name; else the end of it all."""
    lines, shown, test = output.splitlines(), [], ""
    inside = False
    for line in lines:
        mark = re.match(r"\[ +(RUN|OK|FAILED|SKIPPED|PASSED|-+) *\]", line)
        if mark and mark.group(1) == "RUN":
            test = line
        if re.search(r":\d+: Failure$", line):
            shown += [test] if test else []
            inside, test = True, ""
        elif mark:
            inside = False
        if inside:
            shown.append(line)
    return "\n".join(shown)[:SHOWN] if shown else output[-SHOWN:]


def outcome_of(case):
    """Only a skip that a test asked for is one: a test whose program is missing has failed."""
    skipped = case.find("skipped")
    output = case.findtext("system-out") or ""
    if case.get("status") == "disabled":
        return SKIPPED, "disabled in its source"
    if skipped is not None and skipped.get("message", "").startswith("SKIP_"):
        return SKIPPED, skip_reason(output)
    if case.get("status") == "run" and case.find("failure") is None and case.find("error") is None:
        return PASSED, ""
    notes = [node.get("message", "") for node in (skipped, case.find("failure")) if node is not None]
    return FAILED, "\n".join([*notes, complaints(output)]).strip()


def read(path, lane):
    """A missing or broken report is a failure, never an empty run."""
    try:
        root = ET.parse(path).getroot()
    except (OSError, ET.ParseError) as error:
        return failure(lane, "report", f"no readable test report: {error}")
    return Results(tuple(Case(lane, case.get("name", "?"), *outcome_of(case)) for case in root.iter("testcase")))


def write(path, suite, cases):
    """`cases`: (name, problem text or empty) pairs of one check each."""
    root = ET.Element("testsuite", name=suite, tests=str(len(cases)))
    for name, problem in cases:
        case = ET.SubElement(root, "testcase", name=name, status="fail" if problem else "run")
        if problem:
            ET.SubElement(case, "failure", message="")
            ET.SubElement(case, "system-out").text = "".join(c if c.isprintable() or c in "\n\t" else "?" for c in problem)
    ET.ElementTree(root).write(path, encoding="utf-8", xml_declaration=True)
