"""conntruth installed on a lab with real kubelets whose nodes have each another kube-proxy. One lab serves all tests of a
process; main() takes it down."""

import contextlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cluster  # noqa: E402
from cluster import SYSTEM  # noqa: E402

OVERLAY = cluster.ROOT / "deploy/kustomize/overlays/lab"
PROXIES = "kube-proxy:nftables,node-2=kube-proxy:iptables,node-3=kube-proxy:nftables@1.34"
NODES = ("node-1", "node-2", "node-3")
CONTROLLER = ("-n", SYSTEM, "-l", "app.kubernetes.io/component=controller")
PROGRAMS = ["build/bin"]
LABS = []
# What is another one after a test that deletes pods or changes a DaemonSet for a while.
REPLACED = (f"Pod {SYSTEM}/", f"ControllerRevision {SYSTEM}/", "Pod kube-system/")


def install():
    lab = cluster.Cluster(PROGRAMS[0], f"t-installed-{os.getpid()}", PROXIES)
    LABS.append(lab)
    cluster.call([cluster.ROOT / "deploy/tls/certificate.sh", lab.path / "tls"])
    lab.kubectl("apply", "--server-side", "-k", lab.overlay(OVERLAY, lab.path / "tls"))
    lab.rolled_out()
    lab.await_log("deployment/conntruth-controller", "serving on")
    lab.before = lab.objects()
    return lab


def main(*argv):
    """As unittest.main(), with `--bin DIR` for the programs under test."""
    argv = list(argv or sys.argv)
    if "--bin" in argv:
        at = argv.index("--bin")
        PROGRAMS[0] = pathlib.Path(argv[at + 1]).resolve()
        del argv[at:at + 2]
    try:
        unittest.main(module="__main__", argv=argv)
    finally:
        for lab in LABS:
            lab.down()


class Begun:
    """A run under way, with what it writes to stderr line by line; killed where it takes too long."""

    def __init__(self, test, words, within=240):
        argv = [str(word) for word in test.lab.argv(*words)]
        self.run = subprocess.Popen(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.bound = threading.Timer(within, self.run.kill)
        self.bound.start()
        self.out, self.lines = [], []
        self.reader = threading.Thread(target=lambda: self.out.append(self.run.stdout.read()))
        self.reader.start()
        test.addCleanup(self.end)

    def await_line(self, text):
        for line in self.run.stderr:
            self.lines.append(line)
            if text in line:
                return
        raise cluster.Failed(f"'{text}' was never said: {self.err}")

    def end(self):
        """Its exit code; err and report() after it."""
        if not self.run.stderr.closed:
            self.lines += list(self.run.stderr)
            self.run.stderr.close()
        self.reader.join()
        self.run.stdout.close()
        self.bound.cancel()
        return self.run.wait()

    @property
    def err(self):
        return "".join(self.lines)

    def report(self):
        return json.loads(self.out[0])


@unittest.skipIf(cluster.missing_programs(), cluster.missing_programs())
class Installed(unittest.TestCase):
    KIND = ()  # of run: ("--workloads",)

    @classmethod
    def setUpClass(cls):
        cls.lab = LABS[0] if LABS else install()

    def setUp(self):
        self.addCleanup(self.assert_nothing_is_left)

    def assert_nothing_is_left(self):
        left = self.lab.gone(self.lab.before, replaced=REPLACED)
        self.assertEqual(sorted(left), [], "left behind by the run")

    def words(self, *words):
        return ["kubectl", "conntruth", "run", *self.KIND, "-o", "json", *words]

    def done(self, code, *words):
        done = self.lab.run(*self.words(*words), check=False)
        wrong = self.wrong(json.loads(done.stdout)) if done.stdout else []
        self.assertEqual(done.returncode, code, done.stderr + "\n".join(map(str, wrong))[:5000])
        return done

    def report(self, code, *words):
        return json.loads(self.done(code, *words).stdout)

    def wrong(self, report):
        return [(cell["vantage"], cell["reason"]["code"], cell["id"], cell["reason"]["text"]) for cell in report["cells"]
                if cell["verdict"] not in ("pass", "recorded")]

    def controller(self):
        return self.lab.get("pods", *CONTROLLER)["items"][0]

    def process_of_controller(self):
        """Its number; where it ends its kubelet starts the container anew, in the same pod."""
        pod = self.controller()["metadata"]["name"]
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and (entry / "cmdline").read_bytes().startswith(b"conntruth\0serve"):
                    if f"POD_NAME={pod}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                        return int(entry.name)
        self.fail(f"no process of {pod}")
