#!/usr/bin/python3
"""The counting of the lanes: what is a pass, a failure and a skip, and that nothing can pass by running nothing."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import junit  # noqa: E402
import lanes  # noqa: E402

REPORT = """<?xml version="1.0"?><testsuite>
<testcase name="A" status="run"/>
<testcase name="B" status="fail"><failure message=""/><system-out>expected 1</system-out></testcase>
<testcase name="C" status="notrun"><skipped message="SKIP_REGULAR_EXPRESSION_MATCHED"/>
<system-out>[ RUN      ] C
/x/c_test.cpp:12: Skipped
no nf_tables in
this kernel

[  SKIPPED ] C</system-out></testcase>
<testcase name="D" status="disabled"><skipped message="Disabled"/></testcase>
<testcase name="E" status="notrun"><skipped message="Unable to find executable"/></testcase>
</testsuite>"""


def quiet(function, *args):
    with contextlib.redirect_stderr(io.StringIO()):
        return function(*args)


class Junit(unittest.TestCase):
    def read(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".xml") as file:
            file.write(text)
            file.flush()
            return junit.read(file.name, "unit")

    def test_outcomes_are_told_apart(self):
        results = self.read(REPORT)
        self.assertEqual("1 passed, 2 failed, 2 skipped", results.line())
        self.assertEqual(["B", "E"], [case.name for case in results.failed()])
        self.assertIn("expected 1", results.failed()[0].text)

    def test_a_skip_carries_its_reason(self):
        self.assertEqual("no nf_tables in this kernel", self.read(REPORT).skipped()[0].text)

    def test_of_many_tests_only_the_failures_are_shown(self):
        output = "\n".join(["[ RUN      ] A.a", "chatter", "[       OK ] A.a (1 ms)", "[ RUN      ] A.b", "noise",
                            "/x/a_test.cpp:7: Failure", "Failed", "cell 3: red", "[  FAILED  ] A.b (2 ms)",
                            *(f"[       OK ] A.c{i} (1 ms)" for i in range(1000))])
        self.assertEqual("[ RUN      ] A.b\n/x/a_test.cpp:7: Failure\nFailed\ncell 3: red", junit.complaints(output))
        self.assertEqual("x" * junit.SHOWN, junit.complaints("y" + "x" * junit.SHOWN))

    def test_a_missing_or_broken_report_is_a_failure(self):
        self.assertEqual(1, len(junit.read("/nonexistent.xml", "unit").failed()))
        self.assertEqual(1, len(self.read("<testsuite").failed()))

    def test_what_is_written_reads_back(self):
        with tempfile.NamedTemporaryFile(suffix=".xml") as file:
            junit.write(file.name, "lint", [("format", ""), ("words", "a.cpp:1: bad \x1b[31m")])
            results = junit.read(file.name, "lint")
        self.assertEqual("1 passed, 1 failed, 0 skipped", results.line())


class Skips(unittest.TestCase):
    skipped = junit.Results((junit.Case("unit", "C", junit.SKIPPED, "because"),))

    def test_skips_within_the_budget_pass(self):
        self.assertEqual([], quiet(lanes.judge_skips, self.skipped, 1).failed())

    def test_one_skip_too_many_is_a_failure(self):
        self.assertEqual("0 passed, 1 failed, 1 skipped", quiet(lanes.judge_skips, self.skipped, 0).line())

    def test_the_budget_is_a_number(self):
        self.assertGreaterEqual(lanes.skip_budget(), 0)


class Selection(unittest.TestCase):
    def test_every_lane_runs_by_default_but_those_on_request(self):
        chosen = lanes.parse([])[0]
        self.assertEqual([lane for lane in lanes.LANES if not lane.on_request], chosen)
        self.assertEqual(["vm"], [lane.name for lane in lanes.LANES if lane not in chosen])

    def test_a_lane_on_request_runs_when_it_is_named(self):
        self.assertEqual(["vm"], [lane.name for lane in lanes.parse(["--lane", "vm"])[0]])

    def test_a_name_pattern_leaves_the_lint_out(self):
        chosen, select = lanes.parse(["-R", "Flight"])
        self.assertNotIn("lint", [lane.name for lane in chosen])
        self.assertEqual("Flight", select)

    def test_an_unknown_lane_is_refused(self):
        with self.assertRaises(SystemExit), contextlib.redirect_stderr(io.StringIO()):
            lanes.parse(["--lane", "nonesuch"])


if __name__ == "__main__":
    unittest.main()
