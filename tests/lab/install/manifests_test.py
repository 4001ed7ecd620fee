#!/usr/bin/python3
"""What kustomize and Helm make of deploy/, by the real kubectl and helm and without a cluster."""

import os
import pathlib
import sys
import unittest

import yaml

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cluster  # noqa: E402

CHART = cluster.ROOT / "deploy/helm/conntruth"
BASE = cluster.ROOT / "deploy/kustomize"
PROGRAMS = cluster.ROOT / "build/bin"
# Who installed it is what may differ.
INSTALLER = ("app.kubernetes.io/managed-by", "app.kubernetes.io/instance", "helm.sh/chart", "imagePullPolicy")


def newest(pattern):
    cache = pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "conntruth" / "kube"
    return max(cache.glob(pattern), key=lambda path: path.stat().st_mtime)


def helm(command, *words, check=True):
    given = () if command == "lint" else ("conntruth",)
    return cluster.call([newest("helm-*/bin/helm"), command, *given, CHART, "--namespace", cluster.SYSTEM, "--kube-version", "1.36",
                         *words], check=check)


def plugin(*words):
    return cluster.call([PROGRAMS / "conntruth", "install", "--dry-run=client", *words]).stdout


def kustomize(folder):
    return cluster.call([newest("v*/bin/kubectl"), "kustomize", folder]).stdout


def objects(text):
    documents = [each for each in yaml.safe_load_all(text) if each]
    return {f"{each['kind']} {each['metadata'].get('namespace', '')}/{each['metadata']['name']}": each for each in documents}


def without_installer(value):
    if isinstance(value, dict):
        return {key: without_installer(each) for key, each in value.items() if key not in INSTALLER}
    return [without_installer(each) for each in value] if isinstance(value, list) else value


@unittest.skipIf(cluster.missing_programs(), cluster.missing_programs())
class Manifests(unittest.TestCase):
    maxDiff = None

    def test_chart_and_base_install_the_same_objects(self):
        chart, base = objects(helm("template").stdout), objects(kustomize(BASE / "base"))
        self.assertEqual(set(chart) - set(base), {"Secret conntruth-system/conntruth-tls"})
        self.assertEqual(set(base) - set(chart), {"Namespace /conntruth-system"})
        for name in set(chart) & set(base):
            self.assertEqual(without_installer(chart[name]), without_installer(base[name]), name)

    def test_the_program_makes_of_its_manifests_what_kubectl_makes_of_them(self):
        secret = "Secret conntruth-system/conntruth-tls"
        for words, folder in (((), "base"), (("--profile", "ebpf"), "overlays/ebpf"), (("--tls", "cert-manager"), "overlays/cert-manager")):
            ours, kubectls = objects(plugin(*words)), objects(kustomize(BASE / folder))
            self.assertEqual(set(ours) - {secret}, set(kubectls), folder)
            self.assertEqual(secret in ours, "--tls" not in words)
            for name, each in kubectls.items():
                self.assertEqual(without_installer(ours[name]), without_installer(each), name)

    def test_cert_manager_makes_the_same_certificate_by_chart_and_overlay(self):
        chart = objects(helm("template", "--set", "tls.mode=certManager").stdout)
        overlay = objects(kustomize(BASE / "overlays/cert-manager"))
        names = [name for name, each in overlay.items() if each["apiVersion"] == "cert-manager.io/v1"]
        self.assertEqual(len(names), 4)
        for name in names:
            self.assertEqual(chart[name]["spec"], overlay[name]["spec"], name)

    def test_the_profile_ebpf_adds_three_capabilities_by_chart_and_component_and_nothing_else(self):
        name = "DaemonSet conntruth-system/conntruth-agent"
        for plain, more in ((objects(helm("template").stdout), objects(helm("template", "--set", "agent.profile=ebpf").stdout)),
                            (objects(kustomize(BASE / "base")), objects(kustomize(BASE / "overlays/ebpf")))):
            added = capabilities(more[name])["add"]
            self.assertEqual(added, [*capabilities(plain[name])["add"], "BPF", "PERFMON", "SYSLOG"])
            capabilities(more[name])["add"] = capabilities(plain[name])["add"]
            secret = "Secret conntruth-system/conntruth-tls"  # another one each time
            self.assertEqual({key: each for key, each in more.items() if key != secret},
                             {key: each for key, each in plain.items() if key != secret})

    def test_no_object_is_marked_as_one_of_a_run(self):
        for text in (helm("template").stdout, kustomize(BASE / "base")):
            for name, each in objects(text).items():
                labels = each["metadata"]["labels"]
                self.assertNotEqual(labels["app.kubernetes.io/managed-by"], "conntruth", name)
                self.assertIn("app.kubernetes.io/name", labels, name)

    def test_the_chart_passes_its_lint(self):
        self.assertIn("0 chart(s) failed", helm("lint", "--strict").stdout)

    def test_every_value_reaches_an_object(self):
        """Each line changes the output; a value that changes nothing is a promise that is not kept."""
        plain = without_certificate(helm("template").stdout)
        for value in ("image.repository=x/y", "image.tag=z", "image.pullPolicy=Always", "image.pullSecrets={x}", "tls.mode=secret",
                      "apiServer=https://10.0.0.1:6443", "agent.profile=ebpf", "agent.budget=7", "agent.logLevel=debug", "agent.nodeSelector.x=y",
                      "agent.resources.limits.memory=1Gi", "agent.tolerations=null", "agent.seLinuxOptions.type=spc_t",
                      "anchors.perNode=3", "anchors.resources.limits.memory=1Gi", "controller.keepRuns=7", "cluster.name=x", "cluster.nodePorts=1-2",
                      "cluster.serviceRanges={10.0.0.0/8}", "cluster.externalIPs={10.0.0.0/8}",
                      "cluster.loadBalancerIPs={10.0.0.0/8}",
                      "controller.resources.limits.cpu=1", "controller.storeSize=1Gi", "controller.nodeSelector.x=y",
                      "controller.tolerations[0].operator=Exists", "worlds.extraNamespaces={x}", "priorityClass.create=false",
                      "priorityClass.name=x", "priorityClass.value=7", "networkPolicy.enabled=false",
                      "networkPolicy.agentCIDRs={10.0.0.0/8}", "networkPolicy.apiServerCIDRs={10.0.0.0/8}",
                      "networkPolicy.apiServerPorts={7}"):
            with self.subTest(value):
                kind = "--set-string" if value.startswith("image.tag") else "--set"
                self.assertNotEqual(without_certificate(helm("template", kind, value).stdout), plain)

    def test_what_is_misspelt_or_impossible_is_refused_with_its_name(self):
        for value, word in (("agent.budgets=7", "budgets"), ("agent.profile=all", "profile"), ("anchors.perNode=0", "perNode"), ("tls.mode=none", "mode"),
                            ("apiServer=10.0.0.1", "apiServer"), ("networkPolicy.agentCIDRs={10.0.0.1}", "agentCIDRs")):
            refused = helm("template", "--set", value, check=False)
            self.assertNotEqual(refused.returncode, 0, value)
            self.assertIn(word, refused.stderr)
        elsewhere = helm("template", "--namespace", "default", check=False)
        self.assertIn("--namespace conntruth-system", elsewhere.stderr)


def capabilities(agents):
    return agents["spec"]["template"]["spec"]["containers"][0]["securityContext"]["capabilities"]


def without_certificate(text):
    found = objects(text)
    found.get("Secret conntruth-system/conntruth-tls", {}).pop("data", None)
    return found


if __name__ == "__main__":
    if "--bin" in sys.argv:
        at = sys.argv.index("--bin")
        PROGRAMS = pathlib.Path(sys.argv[at + 1]).resolve()
        del sys.argv[at:at + 2]
    unittest.main()
