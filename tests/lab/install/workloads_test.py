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
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import installed  # noqa: E402

SCENARIOS = {"deployment-ready": {"ready"}, "readiness": {"all-ready", "one-withdrawn", "given-back"},
             "scale-to-zero": {"up", "zero", "up-again"}, "termination": {"serving", "one-terminating", "all-terminating"},
             "rolling-update": {"before", "rolling", "after"}}
QUOTA = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "no-pods", "namespace": "conntruth"},
         "spec": {"hard": {"pods": "0"}}}


class Workloads(installed.Installed):
    KIND = ("--workloads",)

    def test_every_scenario_is_green_and_judged_again_from_its_store(self):
        done = self.done(0)
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
        run = installed.Begun(self, self.words("--select", "rolling-update", "--protocol", "udp", "--ip-family", "ipv4"))
        self.addCleanup(os.kill, pid, signal.SIGCONT)
        run.await_line("rolling-update/rolling at a fixed pace")
        os.kill(pid, signal.SIGSTOP)
        self.assertEqual(run.end(), 2, run.err)
        report = run.report()
        rolling = [cell for cell in report["cells"] if cell["step"] == "rolling"]
        for rule in ("gap", "follow", "leave"):
            verdicts = {(cell["vantage"][:6], cell["verdict"]) for cell in rolling if cell["rule"] == rule}
            self.assertEqual(verdicts, {("node-1", "pass"), ("node-2", "pass"), ("node-3", "fail")}, rule)
        gap = next(cell for cell in rolling if cell["rule"] == "gap" and cell["vantage"] == "node-3")
        self.assertGreater(gap["observed"]["lost"], 0)
        self.assertLess(gap["observed"]["firstLostMs"], gap["observed"]["lastLostMs"])

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
        run = installed.Begun(self, self.words("--select", "termination"))
        run.await_line("stage 1")
        self.assertEqual(len(self.lab.get("deployments", "-n", "conntruth")["items"]), 1)
        os.kill(self.process_of_controller(), signal.SIGKILL)
        run.end()
        self.lab.rolled_out()
        self.lab.await_log("deployment/conntruth-controller", "removed what an earlier run left")


if __name__ == "__main__":
    installed.main()
