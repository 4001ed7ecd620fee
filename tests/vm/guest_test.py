#!/usr/bin/python3
"""How a guest's words are judged, without one: what must turn a lane red does."""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import guest  # noqa: E402
import initramfs  # noqa: E402
import vm_test  # noqa: E402

EXPECTED = {"tests": {"lab_bpf": "*"}, "missing": ["hooks: none"],
            "faults": [{"fault": "lost", "cause": "reply-dropped", "says": "planted"}]}
CONSOLE = """\x1b[2Jguest: kernel 5.10.0
guest: begin 00-lab_bpf
[       OK ] A.b (3 ms)
[  PASSED  ] 1 test.
guest: end 00-lab_bpf 0
guest: begin 01-lab
clusterip      1 cells  ok
guest: planted lost
clusterip      1 cells  FAIL (1 fail)
cause of 1 red cells (reply-dropped): node-2: by a rule that was planted
evidence without hooks: none (3 agents)
guest: full table
counted in the tool: conntrack-dropped 384 (node-1 102, node-2 282)
ERROR: 3 cells: 3 invalid
guest: end 01-lab 0
guest: done
"""


def judged(console):
    return vm_test.judge(guest.read_console(console), EXPECTED)


class Judged(unittest.TestCase):
    def test_all_well(self):
        self.assertEqual([], judged(CONSOLE))
        self.assertEqual([], judged(CONSOLE.replace("\n", "\r\n")), "as a serial line has it")
        self.assertEqual("5.10.0", guest.read_console(CONSOLE).kernel)

    def test_each_difference_is_found(self):
        for old, new, what in (
                ("guest: done\n", "Kernel panic - not syncing\n", "last line"),
                ("[  PASSED  ] 1 test.", "[  FAILED  ] A.b", "FAILED"),
                ("[  PASSED  ] 1 test.", "[  SKIPPED ] A.b\n[  PASSED  ] 0 tests.", "SKIPPED"),
                ("[  PASSED  ] 1 test.", "[  PASSED  ] 0 tests.", "nothing ran"),
                ("lab_bpf 0\n", "lab_bpf 139\n", "139"),
                ("1 cells  ok", "1 cells  FAIL", "not green"),
                ("1 cells  FAIL (1 fail)", "1 cells  ok", "not found"),
                ("cause of 1", "nothing of 1", "no red cell has a cause"),
                ("(reply-dropped)", "(reply-lost)", "cause reply-lost"),
                ("that was planted", "of nobody", "expected reply-dropped"),
                ("evidence without hooks: none (3 agents)\n", "", "said to be missing"),
                ("evidence without", "evidence without walk: all (1 agents)\nevidence without", "said to be missing"),
                ("conntrack-dropped 384", "late-answer 384", "full conntrack table"),
                ("ERROR: 3 cells: 3 invalid", "PASS: 3 cells: 3 pass", "full conntrack table"),
                ("guest: end 01-lab 0\n", "", "the lab did not come to its end")):
            with self.subTest(new):
                self.assertIn(old, CONSOLE)
                found = judged(CONSOLE.replace(old, new, 1))
                self.assertTrue(any(what in line for line in found), found)

    def test_a_guest_that_says_nothing_has_failed(self):
        self.assertEqual(1, len(judged("")))


class Archive(unittest.TestCase):
    def test_an_entry_is_as_the_kernel_reads_it(self):
        entry = initramfs.record("init", 0o100755, b"#!/bin/sh\n", 1)
        self.assertEqual(b"070701", entry[:6])
        self.assertEqual(10, int(entry[54:62], 16))
        self.assertEqual(b"init\0", entry[110:115])
        self.assertEqual(b"#!/bin/sh\n", entry[116:126], "content begins at a multiple of four")
        self.assertEqual(0, len(entry) % 4)

    def test_folders_come_before_what_is_in_them(self):
        tree = initramfs.Tree()
        tree.put("/a/b/c", b"")
        self.assertEqual(["/a", "/a/b", "/a/b/c"], list(tree.entries))


class Data(unittest.TestCase):
    def test_every_kernel_has_expectations(self):
        lines = (guest.HERE / "kernels.txt").read_text(encoding="utf-8").splitlines()
        names = [line.split()[0] for line in lines if line.strip() and not line.startswith("#")]
        self.assertEqual(sorted(names), sorted(vm_test.expectations()))


if __name__ == "__main__":
    unittest.main()
