#!/usr/bin/python3
"""The whole catalogue by `kubectl conntruth run`, as a user starts it: on real kubelets, each node with another kube-proxy.

    catalogue_test.py --bin build/bin [unittest's arguments]
"""

import json
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import cluster  # noqa: E402
import installed  # noqa: E402

PROFILES = ("kube-proxy-iptables 1.36.3 on node-2; kube-proxy-nftables 1.34.4 on node-3; kube-proxy-nftables 1.36.3 on node-1")
FACTS = {"kube-proxy-iptables/node-port-local-from-pods", "kube-proxy-nftables/node-port-local-from-pods",
         "kube-proxy-nftables/node-port-local-from-pods-masqueraded-to-itself",
         "kube-proxy-iptables/udp-flow-outlives-last-endpoint", "kube-proxy-nftables/udp-flow-outlives-last-endpoint",
         "kube-proxy-nftables/ignores-services-labelled-headless"}


class Catalogue(installed.Installed):
    def test_is_green_in_both_modes_and_two_versions_with_each_deviation_predicted(self):
        done = self.done(0)
        report = json.loads(done.stdout)
        self.assertEqual(dict(report["run"])["profile"], PROFILES)
        self.assertEqual({fact for cell in report["cells"] for fact in (cell["expected"] or {}).get("profileFacts", [])}, FACTS)
        self.assertEqual({cell["vantage"] for cell in report["cells"] if cell["verdict"] == "pass"},
                         {f"{node}{pod}" for node in installed.NODES for pod in ("", "-pod-0", "-pod-1")})
        scenarios = {path.stem for path in (cluster.ROOT / "controller/catalogue/data").glob("*.yaml")}
        self.assertEqual(scenarios - {cell["scenario"] for cell in report["cells"]}, set())


if __name__ == "__main__":
    installed.main()
