#!/usr/bin/python3
"""Tests of oci_image.py: the layout holds together, and the same input gives the same bytes."""

import hashlib
import io
import json
import pathlib
import sys
import tarfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import oci_image  # noqa: E402

ENTRIES = [oci_image.Entry("/usr/bin/b", b"b", 0o755), oci_image.Entry("/usr/bin/a", link="b")]
CONFIG = oci_image.Config(entrypoint=("/usr/bin/b",), user="65532:65532", labels=(("x", "y"),))


def files_of(data):
    with tarfile.open(fileobj=io.BytesIO(data)) as tar:
        return {each.name: tar.extractfile(each).read() for each in tar.getmembers() if each.isfile()}


class Layout(unittest.TestCase):
    def setUp(self):
        self.data = oci_image.pack("example.org/x:1", [ENTRIES], CONFIG, when=7)
        self.files = files_of(self.data)

    def blob(self, descriptor):
        data = self.files["blobs/" + descriptor["digest"].replace(":", "/")]
        self.assertEqual(len(data), descriptor["size"])
        self.assertEqual("sha256:" + hashlib.sha256(data).hexdigest(), descriptor["digest"])
        return data

    def test_every_descriptor_leads_to_its_bytes(self):
        top = json.loads(self.files["index.json"])["manifests"][0]
        self.assertEqual(top["annotations"]["io.containerd.image.name"], "example.org/x:1")
        manifest = json.loads(self.blob(top))
        config = json.loads(self.blob(manifest["config"]))
        layer = self.blob(manifest["layers"][0])
        self.assertEqual(config["rootfs"]["diff_ids"], [manifest["layers"][0]["digest"]])
        self.assertEqual(config["config"]["User"], "65532:65532")
        self.assertEqual(files_of(layer), {"usr/bin/b": b"b"})

    def test_a_layer_has_folders_links_modes_and_root_as_owner(self):
        with tarfile.open(fileobj=io.BytesIO(oci_image.write_tar(ENTRIES, 7))) as tar:
            members = {each.name: each for each in tar.getmembers()}
        self.assertEqual(list(members), ["usr", "usr/bin", "usr/bin/a", "usr/bin/b"])
        self.assertEqual(members["usr/bin/a"].linkname, "b")
        self.assertEqual(members["usr/bin/b"].mode, 0o755)
        self.assertTrue(all((each.uid, each.gid, each.mtime) == (0, 0, 7) for each in members.values()))

    def test_the_order_of_entries_changes_nothing(self):
        self.assertEqual(self.data, oci_image.pack("example.org/x:1", [ENTRIES[::-1]], CONFIG, when=7))
        self.assertNotEqual(self.data, oci_image.pack("example.org/x:1", [ENTRIES[:1]], CONFIG, when=7))


if __name__ == "__main__":
    unittest.main()
