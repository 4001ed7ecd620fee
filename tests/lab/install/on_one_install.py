#!/usr/bin/python3
"""All tests that need conntruth on real kubelets and leave it as it is, one after the other on one lab.

    on_one_install.py --bin build/bin [unittest's arguments]
"""

import pathlib
import sys
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import catalogue_test  # noqa: E402
import faults_test  # noqa: E402
import installed  # noqa: E402
import workloads_test  # noqa: E402


def load_tests(loader, _tests, _pattern):
    """Faults last: a node dies there."""
    classes = (catalogue_test.Catalogue, workloads_test.Workloads, faults_test.Faults)
    return unittest.TestSuite(loader.loadTestsFromTestCase(each) for each in classes)


if __name__ == "__main__":
    installed.main()
