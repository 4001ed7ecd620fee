#!/usr/bin/python3
"""conntruth installed on real kubelets as a user does it, by the plug-in, kustomize and Helm: every part comes up, a run is green in both modes of kube-proxy, a
broken node is found, its accounts may do what they need and no more, and removing it leaves nothing.

    install_test.py --bin build/bin [unittest's arguments]
"""

import json
import os
import pathlib
import sys
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import by_plugin  # noqa: E402
import cluster  # noqa: E402
import rights  # noqa: E402
from cluster import SYSTEM  # noqa: E402

DEPLOY = cluster.ROOT / "deploy"
OVERLAY = DEPLOY / "kustomize/overlays/lab"
IMAGE_VALUES = ("--set", "image.repository=conntruth.lab/conntruth,image.tag=lab,image.pullPolicy=Never")
PROXIES = "kube-proxy:nftables,node-2=kube-proxy:iptables"
PROGRAMS = "build/bin"


@unittest.skipIf(cluster.missing_programs(), cluster.missing_programs())
class Install(by_plugin.ByPlugin, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.lab = cluster.Cluster(PROGRAMS, f"t-install-{os.getpid()}", PROXIES)
        cls.addClassCleanup(cls.lab.down)
        cls.before = cls.lab.objects()

    def assert_nothing_is_left(self):
        left = sorted(self.lab.gone(self.before))
        self.assertEqual(left, [], "left behind by the install")
        self.assertEqual(sorted(self.before - self.lab.objects()), [], "taken along by the removal")

    def conntruth_run(self, *words):
        return self.lab.kubectl("conntruth", "run", "-o", "json", "--select", "clusterip,names", *words, check=False)

    def assert_a_run_is_green(self):
        done = self.conntruth_run()
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout[-2000:])
        self.assertGreaterEqual(json.loads(done.stdout)["summary"]["pass"], 30)

    def assert_a_broken_node_is_named(self):
        """A rule among those of kube-proxy on node-3 that should not be there."""
        rule = "ip kube-proxy services ip daddr 10.96.0.0/16 tcp dport 80 drop"
        self.lab.run("nft", "insert", "rule", *rule.split(), node="node-3")
        broken = self.conntruth_run("--protocol", "tcp")
        self.assertEqual(broken.returncode, 2, broken.stderr)
        report = json.loads(broken.stdout)
        red = {(cell["vantage"], cell["reason"]["code"]) for cell in report["cells"] if cell["verdict"] == "fail"}
        self.assertEqual(red, {("node-3", "silent"), ("node-3-pod-0", "silent")})
        self.assertIn("drop", self.lab.run("nft", "list", "chain", "ip", "kube-proxy", "services", node="node-3").stdout)
        handle = self.lab.run("nft", "-a", "list", "chain", "ip", "kube-proxy", "services", node="node-3").stdout
        number = next(line.split()[-1] for line in handle.splitlines() if " drop " in line)
        self.lab.run("nft", "delete", "rule", "ip", "kube-proxy", "services", "handle", number, node="node-3")

    def assert_existing_services_are_green(self):
        """Without the Role by which a run writes: a run that reads needs none of it."""
        binding = ("rolebinding", "-n", "conntruth", "conntruth-worlds")
        kept = {field: value for field, value in self.lab.get(*binding).items() if field in ("apiVersion", "kind", "roleRef", "subjects")}
        self.lab.kubectl("delete", *binding)
        before = self.lab.objects()
        done = self.lab.kubectl("conntruth", "run", "--existing", "-o", "json", check=False)
        self.assertEqual(self.lab.objects(), before)
        kept["metadata"] = {"name": "conntruth-worlds", "namespace": "conntruth", "labels": {"app.kubernetes.io/component": "controller"}}
        file = self.lab.path / "binding.json"
        file.write_text(json.dumps(kept), encoding="utf-8")
        self.lab.kubectl("apply", "--server-side", "-f", file)
        self.assertEqual(done.returncode, 0, done.stderr + done.stdout[-4000:])
        report = json.loads(done.stdout)
        seen = {}
        for cell in report["cells"]:
            if cell["verdict"] == "notRun":
                self.assertIn("UDP", cell["reason"]["text"])
                continue
            self.assertEqual(cell["observed"]["endpointNotSeen"], 0, cell["id"])
            seen.setdefault(cell["service"], set()).update(each["name"] for each in cell["observed"]["endpoints"])
        self.assertEqual(set(seen), {"default/kubernetes", "kube-system/kube-dns"})
        self.assertTrue(all(name.startswith("coredns-") for name in seen["kube-system/kube-dns"]), seen)

    def assert_every_node_has_its_pods(self):
        nodes = {"agent": [], "anchor": [], "controller": []}
        for pod in self.lab.get("pods", "-n", SYSTEM)["items"]:
            ready = all(each["ready"] for each in pod["status"]["containerStatuses"])
            self.assertTrue(ready and pod["status"]["phase"] == "Running", pod["metadata"]["name"])
            nodes[pod["metadata"]["labels"]["app.kubernetes.io/component"]].append(pod["spec"]["nodeName"])
        self.assertEqual(sorted(nodes["agent"]), ["node-1", "node-2", "node-3"])
        self.assertEqual(sorted(nodes["anchor"]), sorted(["node-1", "node-2", "node-3"] * 2))
        self.assertEqual(len(nodes["controller"]), 1)

    def assert_agents_say_which_right_is_missing(self):
        role = self.lab.get("role", "-n", SYSTEM, "conntruth-agent")
        api = cluster.Api(self.lab)
        self.addCleanup(api.close)
        for number, verb in enumerate(role["rules"][0]["verbs"]):
            api.send("PUT", rights.path_of(role), rights.without(role, (0, number)))
            self.lab.kubectl("-n", SYSTEM, "delete", "pod", "-l", "app.kubernetes.io/component=agent", "--wait")
            self.lab.await_log("daemonset/conntruth-agent", f"resources: [leases], verbs: [{verb}]")
        kept = {field: role[field] for field in ("apiVersion", "kind", "rules")}
        api.send("PUT", rights.path_of(role), kept | {"metadata": {"name": role["metadata"]["name"], "namespace": SYSTEM}})
        self.lab.kubectl("-n", SYSTEM, "delete", "pod", "-l", "app.kubernetes.io/component=agent", "--wait")
        self.lab.rolled_out()

    def test_by_kustomize(self):
        cluster.call([DEPLOY / "tls/certificate.sh", self.lab.path / "tls"])
        overlay = self.lab.overlay(OVERLAY, self.lab.path / "tls")
        applied = self.lab.kubectl("apply", "--server-side", "-k", overlay)
        self.assertNotIn("Warning", applied.stderr)
        self.lab.rolled_out()
        self.assert_every_node_has_its_pods()
        self.assert_a_run_is_green()
        self.assert_existing_services_are_green()
        self.assert_a_broken_node_is_named()
        self.assert_agents_say_which_right_is_missing()
        again = self.lab.kubectl("apply", "--server-side", "--dry-run=server", "-k", overlay)
        self.assertNotIn("Warning", again.stderr)
        self.lab.kubectl("delete", "--wait", "-k", overlay)
        self.assert_nothing_is_left()

    def test_by_helm(self):
        self.lab.kubectl("create", "namespace", SYSTEM)
        self.lab.kubectl("label", "namespace", SYSTEM, "pod-security.kubernetes.io/enforce=privileged")
        chart = DEPLOY / "helm/conntruth"
        self.lab.run("helm", "install", "conntruth", chart, "--namespace", SYSTEM, *IMAGE_VALUES)
        self.lab.rolled_out()
        self.assert_every_node_has_its_pods()
        secret = ("secret", "-n", SYSTEM, "conntruth-tls")
        certificate = self.lab.get(*secret)["data"]
        self.lab.run("helm", "upgrade", "conntruth", chart, "--namespace", SYSTEM, *IMAGE_VALUES,
                     "--set", "agent.budget=50000,agent.profile=ebpf")
        self.lab.rolled_out()
        self.assert_agents_may_look_into_the_kernel()
        self.assert_left_to_helm()
        self.assertEqual(self.lab.get(*secret)["data"], certificate, "an upgrade keeps the certificate")
        self.assert_a_run_is_green()
        self.lab.run("helm", "uninstall", "conntruth", "--namespace", SYSTEM, "--wait")
        self.lab.kubectl("delete", "namespace", SYSTEM)
        self.assert_nothing_is_left()

    def assert_agents_may_look_into_the_kernel(self):
        """What kubelet, containerd and runc make of the profile: bits of linux/capability.h."""
        wanted = {"NET_ADMIN": 12, "NET_RAW": 13, "SYS_PTRACE": 19, "SYS_ADMIN": 21, "SYSLOG": 34, "PERFMON": 38, "BPF": 39}
        for node in ("node-1", "node-2", "node-3"):
            script = "cat /proc/$(pgrep -x -o conntruth-agent)/status"
            status = self.lab.run("sh", "-c", script, node=node).stdout
            effective = int(next(line.split()[1] for line in status.splitlines() if line.startswith("CapEff")), 16)
            self.assertEqual(effective, sum(1 << bit for bit in wanted.values()), node)

    def test_accounts_may_do_what_their_roles_say_and_no_more(self):
        document = [each for each in yaml.safe_load_all(self.lab.kubectl("kustomize", DEPLOY / "kustomize/base").stdout)
                    if each["kind"] in ("Namespace", "Role", "RoleBinding", "ClusterRole", "ClusterRoleBinding")]
        wanted = rights.rights_of(document)
        self.assertGreater(len(wanted), 30)
        self.assertEqual({each.account for each in wanted}, set(rights.ACCOUNTS))
        self.assertFalse([str(each) for each in wanted if "*" in (each.verb, each.group, each.resource)])
        asked = [(each.account, each.verb, each.resource, each.name, each.namespace) for each in wanted]
        self.assertEqual(len(set(asked)), len(asked), "a right that is given twice cannot be taken away")
        api = cluster.Api(self.lab)
        self.addCleanup(api.close)
        self.assertFalse(any(rights.allowed(api, wanted)), "before the install")
        file = self.lab.path / "rights.yaml"
        file.write_text(yaml.safe_dump_all(document), encoding="utf-8")
        self.lab.kubectl("apply", "--server-side", "-f", file)
        try:
            for each in wanted:
                self.assertTrue(rights.await_answer(api, each, True), each)
            for each, answer in zip(rights.FORBIDDEN, rights.allowed(api, rights.FORBIDDEN)):
                self.assertFalse(answer, each)
            for each in wanted:
                self.assert_it_can_be_taken_away(api, each, document, wanted)
        finally:
            self.lab.kubectl("delete", "--wait", "-f", file)
        self.assert_nothing_is_left()

    def assert_it_can_be_taken_away(self, api, right, document, wanted):
        """No other rule gives it, and taking it away takes no other along."""
        role = next(each for each in document if rights.key(each) == right.role)
        api.send("PUT", rights.path_of(role), rights.without(role, right.at))
        self.assertTrue(rights.await_answer(api, right, False), f"{right}: another rule gives it, too")
        others = [each for each in wanted if each.role == right.role]
        gone = [each for each, answer in zip(others, rights.allowed(api, others)) if not answer]
        self.assertEqual({(each.role, each.at) for each in gone}, {(right.role, right.at)})
        api.send("PUT", rights.path_of(role), role)
        self.assertTrue(rights.await_answer(api, right, True), f"{right}: given back")


if __name__ == "__main__":
    if "--bin" in sys.argv:
        at = sys.argv.index("--bin")
        PROGRAMS = pathlib.Path(sys.argv[at + 1]).resolve()
        del sys.argv[at:at + 2]
    unittest.main()
