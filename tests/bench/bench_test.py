#!/usr/bin/python3
"""The frame of the benchmark: what it times, what it leaves out, and that a failure is no figure."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import bench  # noqa: E402
from figures import Figure  # noqa: E402


def quiet(function, *args):
    with contextlib.redirect_stderr(io.StringIO()):
        return function(*args)


class Measure(unittest.TestCase):
    def test_each_run_is_prepared_and_cleaned_up(self):
        with tempfile.TemporaryDirectory() as folder:
            log = pathlib.Path(folder) / "log"
            figure = Figure("x", 1, f"echo timed >> {log}", f"echo before >> {log}", f"echo after >> {log}")
            result = quiet(bench.measure, figure, 2, "/bin")
            self.assertEqual(["before", "timed", "after"] * 2, log.read_text().split())
        self.assertEqual(2, len(result["seconds"]))

    def test_a_failed_command_is_an_error_and_is_cleaned_up(self):
        with tempfile.TemporaryDirectory() as folder:
            figure = Figure("x", 1, "echo why >&2; exit 3", after=f"touch {folder}/after")
            result = quiet(bench.measure, figure, 2, "/bin")
            self.assertTrue((pathlib.Path(folder) / "after").exists())
        self.assertEqual("ended with 3: why", result["error"])
        self.assertIn("why", bench.row(result))

    def test_a_row_shows_the_spread(self):
        text = bench.row({"name": "x", "wantSeconds": 2, "seconds": [3.0, 1.0, 2.0]})
        self.assertEqual(["x", "1.00", "2.00", "3.00", "2.0", "3", "runs"], text.split())

    def test_wrong_use_ends_with_1(self):
        for argv in (["nonesuch"], ["--runs", "0"], ["--nonesuch"]):
            with self.subTest(argv=argv), self.assertRaises(SystemExit) as ended:
                quiet(bench.parse, argv)
            self.assertEqual(1, ended.exception.code)


if __name__ == "__main__":
    unittest.main()
