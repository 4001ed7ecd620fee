#!/usr/bin/python3
"""Plants one violation of each include rule and sees it named; and allowed includes that must stay silent."""

import pathlib
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
import check_layers  # noqa: E402

HEADERS = ("common/result.hpp", "common/world/world.hpp", "common/world/world_reader.hpp", "common/codec/codec.hpp",
           "controller/oracle/oracle.hpp", "controller/fleet/fleet.hpp", "lab/lab.hpp", "lab/cli/cli.hpp",
           "lab/topology/net.hpp", "agent/io/raw.hpp", "bpf/abi/event.h")


class Layers(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.root = pathlib.Path(self.folder.name)
        for header in HEADERS:
            self.put(header, "#pragma once\n")

    def put(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def found(self, name, *lines):
        self.put(name, "".join(f"#include {line}\n" for line in lines))
        return check_layers.problems(self.root)

    def test_each_forbidden_include_is_named_with_file_and_line(self):
        planted = (
            ("common/x.cpp", '"controller/oracle/oracle.hpp"'),
            ("common/x.cpp", '"lab/lab.hpp"'),
            ("lab/proxy/x.cpp", '"controller/oracle/oracle.hpp"'),
            ("lab/proxy/x.cpp", '"lab/topology/net.hpp"'),
            ("lab/x.cpp", '"agent/io/raw.hpp"'),
            ("controller/oracle/x.cpp", '"lab/lab.hpp"'),
            ("controller/oracle/x.cpp", '"controller/fleet/fleet.hpp"'),
            ("controller/oracle/x.cpp", '"common/world/world_reader.hpp"'),
            ("controller/fleet/x.cpp", '"agent/io/raw.hpp"'),
            ("controller/fleet/x.cpp", '"lab/lab.hpp"'),
            ("controller/app/x.cpp", '"lab/topology/net.hpp"'),
            ("agent/io/x.cpp", '"controller/fleet/fleet.hpp"'),
            ("agent/io/x.cpp", '"lab/lab.hpp"'),
            ("tests/unit/lab/x_test.cpp", '"controller/oracle/oracle.hpp"'),
            ("agent/session/x.cpp", "<grpcpp/grpcpp.h>"),
            ("agent/session/x.cpp", '"conntruth/v1/agent.grpc.pb.h"'),
            ("agent/io/x.cpp", "<google/protobuf/message.h>"),
            ("controller/store/x.cpp", '"conntruth/v1/sample.pb.h"'),
            ("common/world/x.hpp", "<yaml-cpp/yaml.h>"),
            ("controller/report/x.hpp", "<nlohmann/json.hpp>"),
            ("controller/report/x.cpp", "<gtest/gtest.h>"),
            ("controller/report/x.cpp", "<CLI/CLI.hpp>"),
            ("agent/io/x.cpp", "<nftables/libnftables.h>"),
            ("agent/probe/x.cpp", "<bpf/libbpf.h>"),
            ("agent/observe/x.hpp", "<bpf/btf.h>"),
            ("agent/probe/x.cpp", "<linux/bpf.h>"),
            ("agent/probe/x.cpp", '"bpf/abi/event.h"'),
            ("bpf/x.h", '"common/result.hpp"'),
            ("agent/io/x.cpp", '"raw.hpp"'),
            ("agent/io/x.cpp", '"../io/raw.hpp"'),
            ("agent/io/x.cpp", '"agent/io/gone.hpp"'),
            ("agent/io/x.cpp", '"agent/io/x.cpp"'),
            ("agent/io/x.cpp", "<agent/io/raw.hpp>"),
            ("agent/io/x.cpp", "SOME_MACRO"),
        )
        for name, line in planted:
            with self.subTest(name=name, include=line):
                problems = self.found(name, "<vector>", line)
                self.assertEqual(1, len(problems), problems)
                self.assertTrue(problems[0].startswith(f"{name}:2: "), problems)
                (self.root / name).unlink()

    def test_allowed_includes_are_silent(self):
        allowed = (
            ("common/codec/x.cpp", '"conntruth/v1/sample.pb.h"'),
            ("agent/session/grpc_link.cpp", "<grpcpp/grpcpp.h>"),
            ("controller/fleet/grpc_service.cpp", '"conntruth/v1/agent.grpc.pb.h"'),
            ("controller/app/x.cpp", '"lab/lab.hpp"'),
            ("controller/oracle/x.cpp", '"common/world/world.hpp"'),
            ("controller/report/x.cpp", "<nlohmann/json.hpp>"),
            ("lab/cli/x.cpp", "<CLI/CLI.hpp>"),
            ("agent/io/x.cpp", "<linux/if_packet.h>"),
            ("agent/observe/x.cpp", "<bpf/libbpf.h>"),
            ("agent/observe/x.hpp", '"bpf/abi/event.h"'),
            ("bpf/lib/x.h", "<bpf/bpf_helpers.h>"),
            ("tests/lab/x_test.cpp", '"controller/oracle/oracle.hpp"'),
        )
        for name, line in allowed:
            with self.subTest(name=name, include=line):
                self.assertEqual([], self.found(name, line))

    def test_a_comment_is_no_include(self):
        self.put("common/x.cpp", '// #include "lab/lab.hpp"\n')
        self.assertEqual([], check_layers.problems(self.root))

    def test_a_folder_without_a_rule_is_a_problem(self):
        self.put("proto/x.cpp", '#include "common/result.hpp"\n')
        self.assertEqual(1, len(check_layers.problems(self.root)))


if __name__ == "__main__":
    unittest.main()
