#!/usr/bin/python3
"""What goes wrong around a run on an install with real kubelets: each is named with what is to be done, the rest is judged, and
nothing is left.

    faults_test.py --bin build/bin [unittest's arguments]
"""

import base64
import json
import os
import pathlib
import signal
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cluster  # noqa: E402
import installed  # noqa: E402
from cluster import SYSTEM  # noqa: E402

TAINT = "conntruth.test/closed=yes:NoSchedule"
ANCHORS = ("daemonset/conntruth-anchor-0", "daemonset/conntruth-anchor-1")


class Faults(installed.Installed):
    def another_node(self):
        """One that the controller does not run on, and of which no scenario's canary is an endpoint."""
        return "node-3" if self.controller()["spec"]["nodeName"] != "node-3" else "node-2"

    def pods_of(self, node, component):
        pods = self.lab.get("pods", "-n", SYSTEM, "-l", f"app.kubernetes.io/component={component}")["items"]
        return [pod for pod in pods if pod["spec"]["nodeName"] == node]

    def tolerate(self, *kinds, everything):
        tolerations = [{"operator": "Exists"}] if everything else []
        change = {"spec": {"template": {"spec": {"tolerations": tolerations}}}}
        for kind in kinds:
            self.lab.kubectl("-n", SYSTEM, "patch", kind, "--type=merge", "-p", json.dumps(change))
        self.lab.rolled_out()

    def assert_left_out(self, node, why):
        done = self.done(1, "--select", "clusterip", "--protocol", "tcp")
        line = f"not covered: {node}{why} (the node's taints: {TAINT})"
        self.assertIn(line, done.stderr)
        report = json.loads(done.stdout)
        self.assertFalse(report["run"]["complete"])
        self.assertIn(line, report["run"]["endedEarly"])
        self.assertEqual(self.wrong(report), [])
        self.assertEqual({cell["vantage"][:6] for cell in report["cells"]}, set(installed.NODES) - {node})

    def test_a_tainted_node_is_measured_and_one_whose_pods_may_not_go_there_is_named(self):
        node = self.another_node()
        self.lab.kubectl("taint", "node", node, TAINT)
        self.addCleanup(self.lab.rolled_out)
        self.addCleanup(self.lab.kubectl, "taint", "node", node, TAINT + "-", check=False)
        for component in ("agent", "anchor"):
            for pod in self.pods_of(node, component):
                self.lab.kubectl("-n", SYSTEM, "delete", "pod", pod["metadata"]["name"], "--wait")
        self.lab.rolled_out()
        report = self.report(0, "--select", "clusterip", "--protocol", "tcp")
        self.assertEqual({cell["vantage"][:6] for cell in report["cells"]}, set(installed.NODES))

        self.addCleanup(self.tolerate, "daemonset/conntruth-agent", *ANCHORS, everything=True)
        self.tolerate(*ANCHORS, everything=False)
        self.assert_left_out(node, " has no anchor 0")
        self.tolerate("daemonset/conntruth-agent", everything=False)
        self.assert_left_out(node, " has no agent")

    def test_wrong_contexts_and_expired_certificates_are_named_before_anything_begins(self):
        config = json.loads(self.lab.kubectl("config", "view", "--raw", "-o", "json").stdout)
        contexts = [each["name"] for each in config["contexts"]]
        wrong = self.lab.kubectl("conntruth", "run", "--context", "staging", check=False)
        self.assertEqual((wrong.returncode, wrong.stdout), (1, ""))
        self.assertIn("staging", wrong.stderr)
        self.assertIn(contexts[0], wrong.stderr, "there is this one")

        key, request, old = (self.lab.path / name for name in ("old.key", "old.csr", "old.crt"))
        cluster.call(["openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", key,
                      "-subj", "/CN=admin", "-out", request])
        cluster.call(["openssl", "x509", "-req", "-in", request, "-signkey", key, "-days", "-1", "-out", old])
        for each in config["users"]:
            each["user"] = {"client-certificate-data": base64.b64encode(old.read_bytes()).decode(),
                            "client-key-data": base64.b64encode(key.read_bytes()).decode()}
        file = self.lab.path / "old.kubeconfig"
        file.write_text(json.dumps(config), encoding="utf-8")
        expired = self.lab.run(self.lab.conntruth, "run", "--kubeconfig", file, check=False)
        self.assertEqual((expired.returncode, expired.stdout), (1, ""))
        self.assertIn("the client certificate ended at ", expired.stderr)

    def test_a_network_policy_on_the_probe_pods_blames_no_service(self):
        """The lab's network plugin knows no NetworkPolicies. This is what one with an empty ingress does: whoever comes from
        elsewhere does not get in, but for the pod's own node and the pod itself."""
        node = self.another_node()
        pod = next(each for each in self.pods_of(node, "anchor") if each["metadata"]["name"].startswith("conntruth-anchor-0"))
        address = pod["status"]["podIP"]
        rules = f"table ip closed {{ chain in {{ type filter hook forward priority 0; ip daddr {address} ip saddr != {address} drop; }}; }}"
        self.lab.run("nft", rules, node=node)
        self.addCleanup(self.lab.run, "nft", "delete", "table", "ip", "closed", node=node)
        done = self.done(1, "--select", "clusterip-each-pod", "--protocol", "tcp", "--ip-family", "ipv4")
        report = json.loads(done.stdout)
        self.assertEqual(report["summary"]["fail"], 0, self.wrong(report))
        self.assertGreater(report["summary"]["pass"], 0)
        wrong = self.wrong(report)
        self.assertGreater(len(wrong), 0)
        for vantage, code, cell, text in wrong:
            self.assertEqual(code, "control-failed", cell)
            self.assertIn(f"{node}-pod-0", text, vantage)

    def test_a_controller_that_is_deleted_by_force_is_swept_after_by_the_next_one(self):
        before = self.controller()["metadata"]["name"]
        run = installed.Begun(self, self.words("--select", "endpoints-come-and-go"))
        run.await_line("stage 2")
        self.assertNotEqual(self.lab.get("services", "-n", "conntruth")["items"], [])
        os.kill(self.process_of_controller(), signal.SIGSTOP)  # so that it cannot tidy up itself when it is told to end
        self.lab.kubectl("-n", SYSTEM, "delete", "pod", before, "--force", "--grace-period=0")
        self.assertEqual(run.end(), 1, run.err)
        self.assertIn("the controller's pod was replaced in the middle of it; run again", run.err)
        self.lab.rolled_out()
        self.lab.await_log("deployment/conntruth-controller", "removed what an earlier run left")
        self.assertNotEqual(self.controller()["metadata"]["name"], before)
        self.assert_nothing_is_left()
        self.report(0, "--select", "clusterip")

    def test_z_a_node_that_dies_in_the_middle_is_named_and_the_others_are_judged(self):
        """Last of all: the node stays dead."""
        victim = self.another_node()
        status = json.loads(cluster.call([self.lab.conntruth, "lab", "status", self.lab.name, "-o", "json"]).stdout)
        init = next(node["init"] for node in status["nodes"] if node["name"] == victim)
        run = installed.Begun(self, self.words("--select", "clusterip,terminating,established-tcp", "--ip-family", "ipv4"))
        run.await_line("stage 1")
        os.kill(init, signal.SIGKILL)
        code = run.end()
        report = run.report()
        red = [cell for cell in report["cells"] if cell["verdict"] == "fail"]
        self.assertEqual([(cell["id"], cell["reason"]["text"]) for cell in red], [], "a node that died is no broken Service")
        self.assertEqual(code, 1, run.err)
        self.assertIn(f"agent of {victim} was lost", run.err)
        self.assertFalse(report["run"]["complete"])
        self.assertIn(victim, report["run"]["endedEarly"])
        self.assertGreater(report["summary"]["pass"], 0)
        self.assertGreater(report["summary"]["notRun"], 0, "later stages leave out what depends on it")


if __name__ == "__main__":
    installed.main()
