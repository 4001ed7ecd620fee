#!/usr/bin/python3
"""Runs about real Deployments on an install with real kubelets: green in both modes of kube-proxy, red where a rule is planted and
where a node's proxy stands still, ended with the pods' own reason where they do not come, and nothing left after any of them.

    workloads_test.py --bin build/bin [unittest's arguments]
"""

import contextlib
import json
import os
import pathlib
import signal
import subprocess
import sys
import threading
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cluster  # noqa: E402
from cluster import SYSTEM  # noqa: E402

OVERLAY = cluster.ROOT / "deploy/kustomize/overlays/lab"
PROXIES = "kube-proxy:nftables,node-2=kube-proxy:iptables"
PROFILE = ("--profile", "kube-proxy-nftables@v1.36.3")  # what both modes do otherwise than specified
PROGRAMS = "build/bin"
SCENARIOS = {"deployment-ready": {"ready"}, "readiness": {"all-ready", "one-withdrawn", "given-back"},
             "scale-to-zero": {"up", "zero", "up-again"}, "termination": {"serving", "one-terminating", "all-terminating"},
             "rolling-update": {"before", "rolling", "after"}}
QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-pods", "namespace": "conntruth"},
         "spec": {"hard": {"pods": "0"}}}


@unittest.skipIf(cluster.missing_programs(), cluster.missing_programs())
class Workloads(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cluster.Cluster(PROGRAMS, f"t-workloads-{os.getpid()}", PROXIES)
        cls.addClassCleanup(cls.lab.down)
        cluster.call([cluster.ROOT / "deploy/tls/certificate.sh", cls.lab.path / "tls"])
        cls.lab.kubectl("apply", "--server-side", "-k", cls.lab.overlay(OVERLAY, cls.lab.path / "tls"))
        cls.lab.rolled_out()
        cls.lab.await_log("deployment/conntruth-controller", "serving on")
        cls.before = cls.lab.objects()

    def setUp(self):
        self.addCleanup(self.assert_nothing_is_left)

    def assert_nothing_is_left(self):
        # Pods of the install are replaced here.
        left = [each for each in self.lab.gone(self.before) if not each.startswith(f"Pod {SYSTEM}/")]
        self.assertEqual(sorted(left), [], "left behind by the run")

    def words(self, *words):
        return ["kubectl", "conntruth", "run", "--workloads", "-o", "json", *PROFILE, *words]

    def report(self, code, *words):
        done = self.lab.run(*self.words(*words), check=False)
        self.assertEqual(done.returncode, code, done.stderr + done.stdout[-2000:])
        return json.loads(done.stdout)

    def wrong(self, report):
        return {(cell["vantage"], cell["reason"]["code"], cell["id"], cell["reason"]["text"]) for cell in report["cells"]
                if cell["verdict"] != "pass" and cell["verdict"] != "recorded"}

    def red_nodes(self, report):
        return {cell["vantage"][:6] for cell in report["cells"] if cell["verdict"] == "fail"}

    def test_every_scenario_is_green_and_judged_again_from_its_store(self):
        done = self.lab.run(*self.words(), check=False)
        self.assertEqual(done.returncode, 0, done.stderr + "".join(map(str, self.wrong(json.loads(done.stdout or '{"cells": []}')))))
        report = json.loads(done.stdout)
        steps = {}
        for cell in report["cells"]:
            if cell["scenario"] != "follow":
                steps.setdefault(cell["scenario"], set()).add(cell["step"])
        self.assertEqual(steps, SCENARIOS)
        gaps = [cell for cell in report["cells"] if cell["rule"] == "gap"]
        self.assertEqual({cell["vantage"] for cell in gaps}, {f"node-{n}{pod}" for n in (1, 2, 3) for pod in ("", "-pod-0")})
        self.assertEqual([cell["observed"]["lost"] for cell in gaps], [0] * len(gaps))
        self.assertGreater(min(cell["samples"] for cell in gaps), 300)
        times = [row for row in report["follow"] if row["scenario"] == "rolling-update"]
        self.assertEqual({row["node"] for row in times}, {"node-1", "node-2", "node-3"})
        self.assertGreaterEqual(len(times), 3 * 2 * 6, "pods that came and pods that left, in both families")
        kept = [cell for cell in report["cells"] if cell["rule"] == "kept" and cell["step"] == "one-terminating"]
        self.assertEqual({cell["verdict"] for cell in kept}, {"pass"}, "old flows to a lingering pod go on")
        for progress in ("waiting for", "rolling-update/rolling at a fixed pace"):
            self.assertIn(progress, done.stderr)
        again = self.lab.kubectl("conntruth", "matrix", report["run"]["id"], "-o", "json")
        self.assertEqual(again.stdout, done.stdout)

    def test_a_planted_rule_turns_every_scenario_red_on_its_node(self):
        """What kube-proxy of node-3 does not know of: packets to ClusterIPs are dropped."""
        table = "ip planted"
        rules = f"table {table} {{ chain out {{ type filter hook output priority -200; ip daddr 10.96.0.0/16 tcp dport 80 drop; }}; }}"
        self.lab.run("nft", rules, node="node-3")
        self.addCleanup(self.lab.run, "nft", "delete", "table", *table.split(), node="node-3")
        report = self.report(2, "--protocol", "tcp", "--ip-family", "ipv4", "--skip", "termination/*:kept/*")
        red = [cell for cell in report["cells"] if cell["verdict"] == "fail"]
        self.assertEqual({cell["vantage"] for cell in red}, {"node-3"})
        self.assertEqual({cell["scenario"] for cell in red}, set(SCENARIOS))
        self.assertTrue(all(cell["verdict"] == "fail" for cell in report["cells"]
                            if cell["vantage"] == "node-3" and cell["entryKind"] == "clusterIP" and cell["protocol"] == "tcp"
                            and cell["rule"] in ("flows", "gap")))
        self.assertEqual([cell for cell in report["cells"] if cell["verdict"] in ("invalid", "error")], [])

    def test_a_proxy_that_stands_still_loses_flows_and_follows_nothing(self):
        pid = self.proxy_of("node-3")
        run = subprocess.Popen([str(word) for word in self.lab.argv(*self.words(
            "--select", "rolling-update", "--protocol", "udp", "--ip-family", "ipv4"))],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.communicate)
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        bound = threading.Timer(180, run.kill)
        bound.start()
        out = []
        reader = threading.Thread(target=lambda: out.append(run.stdout.read()))
        reader.start()
        errors = []
        for line in run.stderr:
            errors.append(line)
            if "rolling-update/rolling at a fixed pace" in line:
                os.kill(pid, signal.SIGSTOP)
                break
        errors += list(run.stderr)
        reader.join()
        bound.cancel()
        self.assertEqual(run.wait(), 2, "".join(errors))
        report = json.loads(out[0])
        rolling = [cell for cell in report["cells"] if cell["step"] == "rolling"]
        for rule in ("gap", "follow", "leave"):
            verdicts = {(cell["vantage"][:6], cell["verdict"]) for cell in rolling if cell["rule"] == rule}
            self.assertEqual(verdicts, {("node-1", "pass"), ("node-2", "pass"), ("node-3", "fail")}, rule)
        gap = next(cell for cell in rolling if cell["rule"] == "gap" and cell["vantage"] == "node-3")
        self.assertGreater(gap["observed"]["lost"], 0)
        self.assertLess(gap["observed"]["firstLostMs"], gap["observed"]["lastLostMs"])

    def process_of_controller(self):
        """Its kubelet starts the container anew, in the same pod."""
        pod = self.lab.get("pods", "-n", SYSTEM, "-l", "app.kubernetes.io/component=controller")["items"][0]["metadata"]["name"]
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                if entry.name.isdigit() and (entry / "cmdline").read_bytes().startswith(b"conntruth\0serve"):
                    if f"POD_NAME={pod}".encode() in (entry / "environ").read_bytes().split(b"\0"):
                        return int(entry.name)
        self.fail(f"no process of {pod}")

    def proxy_of(self, node):
        """The number of that node's kube-proxy; this process sees those inside of nodes."""
        name = f"--hostname-override={node}"
        for entry in pathlib.Path("/proc").iterdir():
            with contextlib.suppress(OSError):
                words = (entry / "cmdline").read_bytes().decode(errors="replace").split("\0") if entry.name.isdigit() else []
                if words and words[0].endswith("kube-proxy") and name in words and any(self.lab.name in word for word in words):
                    return int(entry.name)
        self.fail(f"no kube-proxy of {node}")

    def test_pods_that_do_not_come_end_the_run_with_their_own_reason(self):
        self.lab.kubectl("apply", "-f", "-", stdin=json.dumps(QUOTA))
        self.addCleanup(self.lab.kubectl, "delete", "-n", "conntruth", "resourcequota", "no-pods")
        done = self.lab.run(*self.words("--select", "deployment-ready"), check=False)
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertIn("Deployment conntruth/deployment-ready: its pods cannot be made: ", done.stderr)
        self.assertIn("exceeded quota: no-pods", done.stderr)

    def test_what_a_killed_controller_left_goes_when_the_next_one_starts(self):
        run = subprocess.Popen([str(word) for word in self.lab.argv(*self.words("--select", "termination"))], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True)
        self.addCleanup(run.communicate)
        bound = threading.Timer(120, run.kill)
        bound.start()
        seen = next((line for line in run.stderr if "stage 1" in line), "")
        self.assertIn("stage 1", seen)
        self.assertEqual(len(self.lab.get("deployments", "-n", "conntruth")["items"]), 1)
        os.kill(self.process_of_controller(), signal.SIGKILL)
        run.stderr.read()
        run.wait()
        bound.cancel()
        self.lab.rolled_out()
        self.lab.await_log("deployment/conntruth-controller", "removed what an earlier run left")


if __name__ == "__main__":
    if "--bin" in sys.argv:
        at = sys.argv.index("--bin")
        PROGRAMS = pathlib.Path(sys.argv[at + 1]).resolve()
        del sys.argv[at:at + 2]
    unittest.main()
