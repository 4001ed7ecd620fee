#!/usr/bin/python3
"""Plants what each check of the tree must find, and what it must leave alone."""

import contextlib
import io
import pathlib
import sys
import tempfile
import unittest
import unittest.mock

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_data  # noqa: E402
import check_sizes  # noqa: E402
import check_words  # noqa: E402
import lint  # noqa: E402
import tidy  # noqa: E402
import tools  # noqa: E402


class Planted(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def only(self, found, *parts):
        self.assertEqual(1, len(found), found)
        for part in parts:
            self.assertIn(part, found[0])


class Sizes(Planted):
    def test_a_file_over_the_budget_is_named(self):
        self.put("common/long.cpp", "\n" * 401)
        self.put("common/good.cpp", "\n" * 400)
        self.only(check_sizes.problems(self.root), "common/long.cpp", "401")

    def test_an_exception_needs_a_reason_and_must_be_needed(self):
        self.put("common/long.cpp", "\n" * 401)
        self.put(check_sizes.EXCEPTIONS, "common/long.cpp 450 one table\n")
        self.assertEqual([], check_sizes.problems(self.root))
        self.put(check_sizes.EXCEPTIONS, "common/long.cpp 450\n")
        self.assertEqual(2, len(check_sizes.problems(self.root)))
        self.put("common/long.cpp", "\n")
        self.put(check_sizes.EXCEPTIONS, "common/long.cpp 450 one table\n")
        self.only(check_sizes.problems(self.root), "needs no exception")

    def test_a_long_script_function_and_a_broken_script_are_named(self):
        self.put("a.py", "def f():\n" + "    pass\n" * 60)
        self.put("b.py", "def f(:\n")
        self.assertEqual(2, len(check_sizes.problems(self.root)))


class Words(Planted):
    def test_paths_of_one_workplace_are_refused(self):
        self.put("docs/a.md", "fine\nsee /wor" + "k/main/run\n")
        self.only(check_words.word_problems(self.root), "docs/a.md:2")

    def test_a_merge_conflict_is_refused(self):
        self.put("a.cpp", "<" * 7 + " HEAD\n")
        self.only(check_words.word_problems(self.root), "merge conflict")

    def test_a_dead_link_is_named_and_a_code_block_is_not_read(self):
        self.put("a.md", "[x](gone.md) [y](a.md#top) [z](https://example.org)\n```\n[q](nowhere)\n```\n")
        self.only(check_words.link_problems(self.root), "gone.md")

    def test_the_architecture_names_files_that_exist(self):
        self.put(check_words.TRUE_TO_THE_TREE, "`docs/ARCHITECTURE.md` `lab/gone.cpp` `agent/session/grpc_*.cpp` `lab/`\n")
        self.only(check_words.link_problems(self.root), "lab/gone.cpp")

    def test_a_folder_without_a_readme_is_named(self):
        self.put("common/a.cpp", "")
        self.put("tests/unit/common/a_test.cpp", "")
        self.only(check_words.readme_problems(self.root), "common: has no README.md")
        self.put("common/README.md", "\n" * 31)
        self.only(check_words.readme_problems(self.root), "31 lines")


class Data(Planted):
    def test_broken_data_is_named(self):
        for name, text in (("a.yaml", "a: [1"), ("b.json", "{,}"), ("c.yaml", "a: 1\na: 2\n"), ("d.json", '{"a":1,"a":2}')):
            with self.subTest(name=name):
                self.put(name, text)
                self.only(check_data.problems(self.root), name)
                (self.root / name).unlink()

    def test_good_data_and_data_broken_on_purpose_are_silent(self):
        self.put("a.yaml", "a: 1\n---\nb: [1, 2]\n")
        self.put("tests/unit/bad/b.yaml", "a: [1")
        self.assertEqual([], check_data.problems(self.root))


class Tools(Planted):
    def test_format_names_the_file(self):
        self.put(".clang-format", "BasedOnStyle: Google\n")
        self.put("a.cpp", "int  x ;\n")
        self.put("b.cpp", "int x;\n")
        self.only(tools.clang_format(self.root), "a.cpp")

    def test_shell_is_found_by_its_first_line(self):
        self.put("tool", "#!/usr/bin/env bash\necho $1\n")
        self.only(tools.shellcheck(self.root), "tool", "SC2086")


class TidyMemory(Planted):
    """What was clean is not looked at again, until something that it depends on changes."""

    def key(self, headers=None):
        folder = str(self.root / "build")
        entry = {"directory": folder, "file": str(self.root / "a.cpp"), "command": "c++ -O2 -o room/a.cpp.o -c a.cpp"}
        known = {"room/a.cpp.o": ["../a.hpp"]} if headers is None else headers
        with unittest.mock.patch.object(tidy, "dependencies", return_value=known):
            return tidy.Keys(self.root).key(entry)

    def setUp(self):
        super().setUp()
        self.put(".clang-tidy", "Checks: x\n")
        self.put("a.cpp", "int x;\n")
        self.put("a.hpp", "int y;\n")

    def test_an_unchanged_file_keeps_its_key(self):
        self.assertIsNotNone(self.key())
        self.assertEqual(self.key(), self.key())

    def test_its_text_a_header_or_the_checks_give_it_another_one(self):
        for name in ("a.cpp", "a.hpp", ".clang-tidy", "tests/.clang-tidy"):
            with self.subTest(name=name):
                before = self.key()
                self.put(name, "changed\n")
                self.assertNotEqual(before, self.key())

    def test_a_file_that_was_never_compiled_has_none(self):
        self.assertIsNone(self.key(headers={}))


class CommandLine(unittest.TestCase):
    def test_an_unknown_step_ends_with_1(self):
        with self.assertRaises(SystemExit) as ended, contextlib.redirect_stderr(io.StringIO()):
            lint.parse(["nonesuch"])
        self.assertEqual(1, ended.exception.code)


if __name__ == "__main__":
    unittest.main()
