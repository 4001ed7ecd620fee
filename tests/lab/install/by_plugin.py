"""`kubectl conntruth install`, `status` and `uninstall` as a user gives them, for a test that has a lab with kubelets."""

import contextlib
import json

import cluster
from cluster import SYSTEM

INSTALL = ("install", "--image", cluster.IMAGE)
KINDS = "namespaces,priorityclasses,serviceaccounts,clusterroles,roles,rolebindings,secrets,daemonsets,deployments"
SOMEBODY = "system:serviceaccount:default:somebody"
ELSEWHERE = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [{"matchExpressions": [
    {"key": "kubernetes.io/hostname", "operator": "NotIn", "values": ["node-2"]}]}]}}


class ByPlugin:
    """Mixed into a TestCase with `lab`, `before` and assert_nothing_is_left()."""

    def plugin(self, code, *words, kubeconfig=()):
        done = self.lab.kubectl("conntruth", *words, *kubeconfig, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done

    def status(self, code):
        return json.loads(self.plugin(code, "status", "-o", "json").stdout)

    def await_status(self, code, problems):
        """What pods' controllers and kubelets do comes a moment later; `problems` in the order of `status`."""
        for _ in range(60):
            done = self.lab.kubectl("conntruth", "status", "-o", "json", check=False)
            if done.returncode == code and json.loads(done.stdout)["problems"] == problems:
                return json.loads(done.stdout)
            self.lab.kubectl("-n", SYSTEM, "rollout", "status", "daemonset/conntruth-agent", "--timeout=10s", check=False)
        raise cluster.Failed(f"the status is not {problems}: {done.stdout}{done.stderr}")

    def of_install(self):
        words = ("get", KINDS, "-A", "-l", "app.kubernetes.io/name=conntruth", "-o", "name")
        return sorted(self.lab.kubectl(*words).stdout.split())

    @contextlib.contextmanager
    def somebody(self):
        """A kubeconfig of an account without any right."""
        self.lab.kubectl("create", "serviceaccount", "somebody")
        config = json.loads(self.lab.kubectl("config", "view", "--raw", "-o", "json").stdout)
        token = self.lab.kubectl("create", "token", "somebody").stdout.strip()
        config["users"] = [{"name": each["name"], "user": {"token": token}} for each in config["users"]]
        file = self.lab.path / "somebody.kubeconfig"
        file.write_text(json.dumps(config), encoding="utf-8")
        yield "--kubeconfig", file
        self.lab.kubectl("delete", "serviceaccount", "somebody")

    def grant(self, refused):
        """Applies the YAML that a refusal printed; what takes it away again."""
        file = self.lab.path / "grant.yaml"
        file.write_text(refused.stderr[refused.stderr.index("\napiVersion:") + 1:], encoding="utf-8")
        self.lab.kubectl("apply", "--server-side", "-f", file)
        return lambda: self.lab.kubectl("delete", "-f", file)

    def assert_refused(self, command, word, kubeconfig):
        """Nothing is done, and what is missing is named with its verb."""
        before = self.of_install()
        refused = self.plugin(1, *command, kubeconfig=kubeconfig)
        self.assertEqual(refused.stdout, "")
        self.assertIn(f"{SOMEBODY} may not do all that {command[0]} needs, so nothing was done; missing: ", refused.stderr)
        self.assertIn(word, refused.stderr)
        self.assertEqual(self.of_install(), before)
        return refused

    def assert_a_half_install_is_taken_back(self):
        """A binding of that name that cannot be changed is in the way."""
        self.lab.kubectl("create", "clusterrolebinding", "conntruth-controller", "--clusterrole=view", "--user=x")
        failed = self.plugin(1, *INSTALL)
        self.assertIn("conntruth: ClusterRoleBinding conntruth-controller: ", failed.stderr)
        self.assertRegex(failed.stderr, r"the \d+ objects that were made before it are removed again")
        self.lab.kubectl("delete", "clusterrolebinding", "conntruth-controller")
        self.assert_nothing_is_left()

    def assert_installed(self, done):
        self.assertIn(f"DaemonSet {SYSTEM}/conntruth-agent created\n", done.stdout)
        self.assertIn("agent 3 of 3 ready, anchor 6 of 6 ready, controller 1 of 1 ready\nnext: kubectl conntruth run", done.stdout)
        status = self.status(0)
        self.assertEqual((status["by"], status["profile"], status["image"]), ("kubectl-conntruth", "matrix", cluster.IMAGE))
        self.assertEqual([(node["name"], node["covered"], node["agent"]["version"]) for node in status["nodes"]],
                         [(f"node-{number}", True, status["version"]) for number in (1, 2, 3)])
        self.assertEqual((status["lastRun"], status["controllerLease"]), (None, None))

    def assert_a_node_without_agent_is_named(self):
        change = {"spec": {"template": {"spec": {"affinity": {"nodeAffinity": ELSEWHERE}}}}}
        self.lab.kubectl("-n", SYSTEM, "patch", "daemonset", "conntruth-agent", "--type=merge", "-p", json.dumps(change))
        status = self.await_status(2, ["not covered: node-2 has no agent"])
        self.assertEqual([node["covered"] for node in status["nodes"]], [True, False, True])
        self.assertIn("not covered: node-2 has no agent\n", self.plugin(2, "status").stdout)

    def assert_what_a_run_left_is_told_and_goes(self):
        self.lab.kubectl("create", "service", "clusterip", "left", "--tcp=80")
        self.lab.kubectl("label", "service", "left", "app.kubernetes.io/managed-by=conntruth")
        self.assertEqual(self.status(2)["leftovers"]["services"], 1)
        done = self.plugin(0, "uninstall")
        self.assertRegex(done.stdout, "1 Services and [01] EndpointSlices of a run removed\nremoved 26 objects: Namespace 2, ")
        self.assert_nothing_is_left()

    def test_by_the_plug_in(self):
        self.plugin(3, "status")
        self.assert_a_half_install_is_taken_back()
        with self.somebody() as kubeconfig:
            refused = self.assert_refused(INSTALL, "create, patch, delete daemonsets.apps in conntruth-system", kubeconfig)
            take_away = self.grant(refused)
            self.assert_installed(self.plugin(0, *INSTALL, kubeconfig=kubeconfig))
            again = self.plugin(0, *INSTALL, kubeconfig=kubeconfig)
            self.assertRegex(again.stdout, r"^unchanged: all \d+ objects are as they have to be\n")
            take_away()
            self.assert_refused(("uninstall",), "delete", kubeconfig)
        self.assert_a_run_is_green()
        self.assertEqual(self.status(0)["lastRun"]["verdict"], "pass")
        self.assert_a_node_without_agent_is_named()
        self.assert_what_a_run_left_is_told_and_goes()
        self.plugin(3, "status")

    def assert_left_to_helm(self):
        self.assertEqual(self.status(0)["by"], "Helm (release conntruth)")
        removal = f"helm uninstall conntruth --namespace {SYSTEM} --wait && kubectl delete namespace {SYSTEM}"
        for command in (INSTALL, ("uninstall",)):
            self.assertIn(removal, self.plugin(1, *command).stderr)
