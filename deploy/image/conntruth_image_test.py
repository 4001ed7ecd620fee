#!/usr/bin/python3
"""Tests of conntruth_image.py, with programs that every Debian has in place of our own."""

import io
import json
import os
import pathlib
import subprocess
import sys
import tarfile
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import conntruth_image  # noqa: E402
import oci_image  # noqa: E402


class Image(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.layers, cls.bill = conntruth_image.build("/usr/bin", ("env",), 7)
        cls.entries = {entry.path: entry for layer in cls.layers for entry in layer}

    def test_a_program_runs_with_nothing_else_than_the_image(self):
        if os.geteuid() != 0:
            self.skipTest("a root directory of its own needs root")
        with tempfile.TemporaryDirectory() as root:
            for layer in self.layers:
                with tarfile.open(fileobj=io.BytesIO(oci_image.write_tar(layer, 7))) as tar:
                    tar.extractall(root)
            done = subprocess.run(["/usr/sbin/chroot", root, "/usr/bin/env", "--version"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("coreutils", done.stdout)

    def test_every_package_that_gave_a_file_brings_its_licence_and_is_in_the_sbom(self):
        document = json.loads(self.bill)
        names = [each["name"] for each in document["packages"]]
        self.assertIn("libc6", names)
        for name in names[1:]:
            self.assertIn(f"/usr/share/doc/{name}/copyright", self.entries)
        libc = next(each for each in document["packages"] if each["name"] == "libc6")
        self.assertRegex(libc["externalRefs"][0]["referenceLocator"], r"^pkg:deb/debian/libc6@\S+\?arch=\w+$")

    def test_the_sbom_names_every_library_and_program_by_its_hash(self):
        names = {each["fileName"][1:] for each in json.loads(self.bill)["files"]}
        binaries = {path for path in self.entries if path.startswith(("/usr/bin/", "/usr/lib")) and not self.entries[path].link}
        self.assertEqual(names, binaries)

    def test_the_same_input_gives_the_same_bytes(self):
        again, bill = conntruth_image.build("/usr/bin", ("env",), 7)
        self.assertEqual(bill, self.bill)
        config = oci_image.Config(entrypoint=("/usr/bin/env",))
        self.assertEqual(oci_image.pack("x:1", self.layers, config, 7), oci_image.pack("x:1", again, config, 7))

    def test_a_program_that_was_not_built_is_named_with_the_remedy(self):
        with self.assertRaisesRegex(conntruth_image.Failure, "there is no /nowhere/env; ./run build makes it"):
            conntruth_image.build("/nowhere", ("env",), 7)


if __name__ == "__main__":
    unittest.main()
