#include "common/codec/session_codec.hpp"

#include <gtest/gtest.h>

#include <limits>

#include "conntruth/v1/session.pb.h"
#include "tests/support/make_batch.hpp"

namespace conntruth::codec {
namespace {

using support::address;

Result<ResultBatch> decode_batch(std::string_view bytes) {
  auto message = decode_agent_message(bytes);
  if (!message) return std::unexpected(message.error());
  return std::get<ResultBatch>(*message);
}

Assignment make_assignment() {
  Assignment assignment;
  assignment.id = 3;
  assignment.responders = {{1, "", Protocol::kSctp, 65535}, {2, "node-1-pod-0", Protocol::kUdp, 1}};
  assignment.drop_responders = {7, 9};
  assignment.places = {{"web-5d8f-x7k2p", {address("10.244.1.9"), address("fd44:0:0:1::9")}}, {"web-5d8f-a", {}}};
  ProbeTask task;
  task.id = 11;
  task.place = "node-1-pod-1";
  task.source = address("fd44:0:0:1::b");
  task.target = {address("fd00:96::1"), 80};
  task.method = Method::kSctpInit;
  task.count = 100;
  task.interval = std::chrono::microseconds(250);
  task.timeout = std::chrono::milliseconds(900);
  task.source_port = 40'000;
  task.until_responders = {1, 2};
  task.until_count = 3;
  task.method = Method::kTcpSocket;
  task.connection = 12;
  assignment.tasks = {task, ProbeTask{.id = 12, .place = {}, .source = {}, .target = {}, .until_responders = {}}};
  return assignment;
}

TEST(SessionCodec, batches_come_back_as_they_were) {
  for (const std::uint32_t samples : {0U, 1U, 2U, 4096U}) {
    const auto batch = support::make_batch(samples, samples);
    const auto decoded = decode_batch(encode_batch(batch));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, batch);
  }
}

TEST(SessionCodec, http_answers_come_back_as_they_were) {
  auto batch = support::make_batch(1, 60);
  std::uint64_t replied = 0;
  for (auto& sample : batch.samples) {
    if (sample.outcome != Outcome::kReplied || ++replied % 2 == 0) continue;
    sample.http = HttpAnswer{200, std::nullopt, {}};
    if (replied % 3 == 0) sample.http = HttpAnswer{503, 0, "conntruth/web"};
    if (replied % 5 == 0) sample.http = HttpAnswer{999, std::numeric_limits<std::uint64_t>::max() - 1, "a/b"};
  }
  ASSERT_GT(replied, 5U);
  const auto decoded = decode_batch(encode_batch(batch));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, batch);
}

TEST(SessionCodec, answers_of_dns_servers_come_back_as_they_were) {
  auto batch = support::make_batch(1, 60);
  std::uint64_t replied = 0;
  for (auto& sample : batch.samples) {
    if (sample.outcome != Outcome::kReplied || ++replied % 2 == 0) continue;
    sample.name = NameAnswer{0, "", {address("10.96.0.9"), address("fd00:96::9")}};
    if (replied % 3 == 0) sample.name = NameAnswer{0, "web.shop.svc.cluster.local", {}};
    if (replied % 5 == 0) sample.name = NameAnswer{15, "", {}};
  }
  ASSERT_GT(replied, 5U);
  const auto decoded = decode_batch(encode_batch(batch));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, batch);
}

TEST(SessionCodec, a_name_belongs_to_a_dns_lookup) {
  Assignment assignment;
  assignment.id = 1;
  assignment.tasks = {ProbeTask{.id = 1, .place = {}, .source = {}, .target = {}, .until_responders = {}}};
  auto& task = assignment.tasks.front();
  task.name = "web.shop.svc.cluster.local";
  EXPECT_FALSE(check(assignment)) << "a UDP probe has no name";
  task.method = Method::kDnsLookup;
  task.until_name = NameAnswer{0, "", {address("10.96.0.9"), address("fd00:96::9")}};
  EXPECT_TRUE(check(assignment));
  const auto decoded = decode_controller_message(encode(ControllerMessage(assignment)));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(std::get<Assignment>(*decoded), assignment);
  for (const auto& wrong : {NameAnswer{16, "", {}}, NameAnswer{0, "", {address("10.0.0.2"), address("10.0.0.1")}}}) {
    task.until_name = wrong;
    EXPECT_FALSE(decode_controller_message(encode(ControllerMessage(assignment)))) << to_string(wrong);
  }
  task.until_name.reset();
  task.name.clear();
  EXPECT_FALSE(check(assignment)) << "a lookup without a name";
}

TEST(SessionCodec, a_path_belongs_to_an_http_get_and_fits_a_request_line) {
  Assignment assignment;
  assignment.id = 1;
  assignment.tasks = {ProbeTask{.id = 1, .place = {}, .source = {}, .target = {}, .until_responders = {}}};
  auto& task = assignment.tasks.front();
  EXPECT_TRUE(check(assignment));
  task.path = "/healthz";
  EXPECT_FALSE(check(assignment)) << "a UDP probe has no path";
  task.method = Method::kHttpGet;
  EXPECT_TRUE(check(assignment));
  const auto decoded = decode_controller_message(encode(ControllerMessage(assignment)));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(std::get<Assignment>(*decoded), assignment);
  for (const auto* path : {"", "healthz", "/a b", "/a\r\nHost: b", "/\x7f"}) {
    task.path = path;
    EXPECT_FALSE(check(assignment)) << path;
  }
}

TEST(SessionCodec, what_connection_tracking_saw_comes_back_as_it_was) {
  auto batch = support::make_batch(1, 2);
  batch.sights = {{1, 7, {address("10.0.0.1"), 40'000}, 5},
                  {2, 0, {address("10.0.0.2"), 40'001}, 6, {address("10.244.1.9"), 8080}},
                  {3, 0, {address("fd00::2"), 40'001}, 7, {address("fd00::9"), 8080}}};
  const auto decoded = decode_batch(encode_batch(batch));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, batch);
}

TEST(SessionCodec, questions_for_flows_and_foreign_tasks_come_back_as_they_were) {
  Assignment assignment;
  assignment.id = 1;
  assignment.tasks = {ProbeTask{.id = 1, .place = {}, .source = {}, .target = {}, .until_responders = {}}};
  assignment.tasks.front().foreign = true;
  EXPECT_FALSE(check(assignment)) << "a kernel socket asks for an identity";
  assignment.tasks.front().method = Method::kTcpSyn;
  EXPECT_TRUE(check(assignment));
  assignment.questions = {
      {probe_id(7, 9), Protocol::kTcp, {address("10.0.0.1"), 10'000}, {address("10.0.0.2"), 30'080}},
      {probe_id(8, 0), Protocol::kUdp, {address("fd00::1"), 65'535}, {address("fd00::2"), 1}}};
  const auto decoded = decode_controller_message(encode(ControllerMessage(assignment)));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(std::get<Assignment>(*decoded), assignment);
}

Hop make_hop() {
  return {.probe = probe_id(7, 9),
          .kind = HopKind::kHook,
          .answer = true,
          .at_ns = -5,
          .place = "node-1-pod-0",
          .device = "eth0",
          .protocol = Protocol::kSctp,
          .source = {address("fd44:0:0:1::a"), 40'000},
          .destination = {address("fd00:96::1"), 80},
          .hook = NetfilterHook::kPostrouting,
          .priority = -2'147'483'647,
          .conntrack = {.info = ConntrackInfo::kReply,
                        .status = 0xFFFFFFFF,
                        .zone = 65'535,
                        .mark = 0x4000,
                        .original_source = {address("fd44:0:0:1::a"), 40'000},
                        .original_destination = {address("fd00:96::1"), 80},
                        .reply_source = {address("fd44:0:0:2::a"), 8080},
                        .reply_destination = {address("fd44:0:0:1::a"), 40'000}},
          .reason = "NETFILTER_DROP",
          .function = "nft_do_chain",
          .icmp_type = 255,
          .icmp_code = 254};
}

TEST(SessionCodec, hops_and_notes_come_back_as_they_were) {
  auto batch = support::make_batch(1, 2);
  Hop bare;
  bare.probe = std::numeric_limits<std::uint64_t>::max();
  bare.kind = HopKind::kReset;
  bare.at_ns = std::numeric_limits<std::int64_t>::max();
  batch.hops = {make_hop(), bare, make_hop()};
  batch.notes = {"tier 2 is not available here: EPERM", ""};
  const auto decoded = decode_batch(encode_batch(batch));
  ASSERT_TRUE(decoded) << decoded.error().message;
  EXPECT_EQ(*decoded, batch);
}

TEST(SessionCodec, what_becomes_of_the_walk_comes_back_as_it_was) {
  for (const auto walk : {WalkOrder::kUnchanged, WalkOrder::kStart, WalkOrder::kStop}) {
    Assignment assignment;
    assignment.id = 1;
    assignment.walk = walk;
    const auto decoded = decode_controller_message(encode(ControllerMessage(assignment)));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(std::get<Assignment>(*decoded), assignment);
  }
  v1::ControllerMessage unknown;
  unknown.mutable_assign()->set_id(1);
  unknown.mutable_assign()->set_walk(static_cast<v1::WalkOrder>(3));
  EXPECT_FALSE(decode_controller_message(unknown.SerializeAsString()));
}

TEST(SessionCodec, extreme_numbers_come_back_as_they_were) {
  auto batch = support::make_batch(1, 3);
  batch.sequence = std::numeric_limits<std::uint64_t>::max();
  batch.samples[0].id = std::numeric_limits<std::uint64_t>::max();
  batch.samples[0].sent_ns = std::numeric_limits<std::int64_t>::min();
  batch.samples[1].id = 0;
  batch.samples[1].sent_ns = std::numeric_limits<std::int64_t>::max();
  batch.samples[1].outcome = Outcome::kReplied;
  batch.samples[1].error.clear();
  batch.samples[1].refusal = {};
  batch.samples[1].source_port = 65535;
  batch.samples[1].seen_source = {address("::"), 0};
  batch.samples[1].round_trip_ns = std::numeric_limits<std::int64_t>::max();
  EXPECT_EQ(*decode_batch(encode_batch(batch)), batch);
}

TEST(SessionCodec, fields_without_meaning_for_the_outcome_are_not_carried) {
  auto batch = support::make_batch(1, 1);
  batch.samples[0] = Sample{.id = 5,
                            .outcome = Outcome::kTimedOut,
                            .responder = 9,
                            .seen_source = {},
                            .seen_destination = {},
                            .refusal = {},
                            .source_port = 1,
                            .sent_ns = 2,
                            .round_trip_ns = 3,
                            .error = "x"};
  const auto decoded = decode_batch(encode_batch(batch));
  EXPECT_EQ(decoded->samples[0].responder, 0U);
  EXPECT_EQ(decoded->samples[0].round_trip_ns, 0);
}

TEST(SessionCodec, texts_are_made_printable_and_cut) {
  auto batch = support::make_batch(1, 0);
  batch.assignment_error = "no place \xff\n" + std::string(5000, 'x');
  EXPECT_EQ(decode_batch(encode_batch(batch))->assignment_error, "no place ??" + std::string(1013, 'x'));
}

TEST(SessionCodec, a_time_out_may_carry_a_note) {
  auto batch = support::make_batch(1, 1);
  batch.samples[0] = Sample{};
  batch.samples[0].outcome = Outcome::kTimedOut;
  batch.samples[0].error = "accepted, but no identity came";
  EXPECT_EQ(*decode_batch(encode_batch(batch)), batch);
}

TEST(SessionCodec, a_sample_takes_less_than_25_bytes) {
  auto batch = support::make_batch(1, 4096);
  batch.sights.clear();
  EXPECT_LT(encode_batch(batch).size(), 25U * 4096U);
}

TEST(SessionCodec, the_small_messages_come_back_as_they_were) {
  const Hello hello{"node-1", "0.1.0", "6.1.0", 1, {"udp-socket", "raw"}, {"node-1-pod-0"}, 17, "s-1"};
  EXPECT_EQ(std::get<Hello>(*decode_agent_message(encode(AgentMessage(hello)))), hello);
  EXPECT_TRUE(std::holds_alternative<Heartbeat>(*decode_agent_message(encode(AgentMessage(Heartbeat{})))));
  for (const ControllerMessage& message :
       {ControllerMessage(Welcome{"s-1", std::chrono::milliseconds(3000), 4}), ControllerMessage(make_assignment()),
        ControllerMessage(Ack{9}), ControllerMessage(Stop{"run is over", true})}) {
    const auto decoded = decode_controller_message(encode(message));
    ASSERT_TRUE(decoded) << decoded.error().message;
    EXPECT_EQ(*decoded, message);
  }
}

TEST(SessionCodec, an_assignment_out_of_range_is_refused_with_its_field) {
  const auto refused = [](auto change, std::string_view field) {
    auto assignment = make_assignment();
    change(assignment);
    const auto checked = check(assignment);
    const auto decoded = decode_controller_message(encode(ControllerMessage(assignment)));
    return !checked && !decoded && decoded.error().message.find(field) != std::string::npos;
  };
  EXPECT_TRUE(refused([](Assignment& a) { a.id = 0; }, "id"));
  EXPECT_TRUE(refused([](Assignment& a) { a.tasks[0].id = 0; }, "id"));
  EXPECT_TRUE(refused([](Assignment& a) { a.tasks[0].count = 0; }, "count"));
  EXPECT_TRUE(refused([](Assignment& a) { a.tasks[0].timeout = std::chrono::milliseconds(0); }, "timeout"));
  EXPECT_TRUE(refused([](Assignment& a) { a.tasks[0].timeout = std::chrono::hours(2); }, "timeout"));
  EXPECT_TRUE(refused([](Assignment& a) { a.tasks[0].interval = std::chrono::hours(2); }, "interval"));
  EXPECT_TRUE(refused([](Assignment& a) { a.tasks[0].interval = std::chrono::microseconds(-1); }, "interval"));
  EXPECT_TRUE(refused([](Assignment& a) { a.tasks[0].method = Method::kTcpSyn; }, "connection"));
  EXPECT_TRUE(refused([](Assignment& a) { a.responders[0].id = 0; }, "id"));
  EXPECT_TRUE(refused([](Assignment& a) { a.responders[0].port = 0; }, "port"));
}

// One change of a valid batch that makes it invalid, as somebody else's agent could send it.
std::string decoded_error(const std::function<void(v1::ResultBatch&)>& change) {
  auto original = support::make_batch(2, 200);
  original.hops = {make_hop()};
  v1::AgentMessage message;
  message.ParseFromString(encode_batch(original));
  change(*message.mutable_batch());
  const auto decoded = decode_batch(message.SerializeAsString());
  return decoded ? "" : decoded.error().message;
}

TEST(SessionCodec, a_damaged_batch_is_refused_with_the_field_at_fault) {
  using Batch = v1::ResultBatch;
  const std::vector<std::pair<std::function<void(Batch&)>, std::string>> cases = {
      {[](Batch& b) { b.set_sequence(0); }, "sequence"},
      {[](Batch& b) { b.add_addresses("abc"); }, "addresses"},
      {[](Batch& b) { b.clear_addresses(); }, "no such address"},
      {[](Batch& b) { b.set_socket_ports(0, 65536); }, "socket_ports"},
      {[](Batch& b) { b.add_socket_ports(1); }, "sockets"},
      {[](Batch& b) { b.clear_texts(); }, "no such text"},
      {[](Batch& b) { b.add_texts("two\nlines"); }, "texts"},
      {[](Batch& b) { b.add_losses()->set_name("\x80"); }, "losses"},
      {[](Batch& b) { b.set_assignment_error(std::string(1025, 'x')); }, "assignment_error"},
      {[](Batch& b) { b.mutable_samples()->add_outcomes(v1::OUTCOME_TIMED_OUT); }, "length"},
      {[](Batch& b) { b.mutable_samples()->set_outcomes(0, static_cast<v1::Outcome>(77)); }, "outcome"},
      {[](Batch& b) { b.mutable_samples()->add_responders(1); }, "number of replies"},
      {[](Batch& b) { b.mutable_samples()->add_icmp(1); }, "number of refusals"},
      {[](Batch& b) { b.mutable_samples()->add_errors(0); }, "errors"},
      {[](Batch& b) { b.mutable_samples()->set_icmp(0, 65536); }, "icmp"},
      {[](Batch& b) { b.mutable_samples()->set_refusals(0, static_cast<v1::RefusalKind>(9)); }, "refusals"},
      {[](Batch& b) { b.mutable_samples()->set_refused_by(0, 99); }, "refused_by"},
      {[](Batch& b) { b.mutable_samples()->set_seen_sources(0, 99); }, "seen_sources"},
      {[](Batch& b) { b.mutable_samples()->set_seen_destinations(0, 99); }, "seen_destinations"},
      {[](Batch& b) { b.mutable_samples()->set_source_ports(0, 65536); }, "source_ports"},
      {[](Batch& b) { b.mutable_samples()->set_seen_source_port_offsets(0, -70'000); }, "seen_source_port_offsets"},
      {[](Batch& b) { b.mutable_samples()->add_http_status(99); }, "http_status: out of range"},
      {[](Batch& b) { b.mutable_samples()->add_http_status(0); }, "http_status: does not match"},
      {[](Batch& b) { b.mutable_samples()->add_http_services(0); }, "columns of HTTP answers"},
      {[](Batch& b) { b.mutable_samples()->add_http_local_endpoints(0); }, "columns of HTTP answers"},
      {[](Batch& b) { b.mutable_sights()->add_sources(0); }, "sights"},
      {[](Batch& b) { b.mutable_sights()->set_sources(0, 99); }, "sources"},
      {[](Batch& b) { b.mutable_sights()->set_source_ports(0, 65536); }, "source_ports"},
      {[](Batch& b) { b.add_notes("\n"); }, "notes"},
      {[](Batch& b) { b.add_hops(); }, "hops: kind"},
      {[](Batch& b) { b.mutable_hops(0)->set_kind(static_cast<v1::HopKind>(7)); }, "hops: kind"},
      {[](Batch& b) { b.mutable_hops(0)->set_protocol(v1::PROTOCOL_UNSPECIFIED); }, "hops: protocol"},
      {[](Batch& b) { b.mutable_hops(0)->set_hook(5); }, "hops: hook"},
      {[](Batch& b) { b.mutable_hops(0)->set_icmp(65536); }, "hops: icmp"},
      {[](Batch& b) { b.mutable_hops(0)->set_place(99); }, "hops: place"},
      {[](Batch& b) { b.mutable_hops(0)->set_function(99); }, "hops: function"},
      {[](Batch& b) { b.mutable_hops(0)->set_source(999); }, "hops: source"},
      {[](Batch& b) { b.mutable_hops(0)->mutable_conntrack()->set_zone(65536); }, "hops: conntrack: zone"},
      {[](Batch& b) { b.mutable_hops(0)->mutable_conntrack()->set_reply_source(999); }, "hops: reply_source"},
      {[](Batch& b) { b.mutable_hops(0)->mutable_conntrack()->set_info(static_cast<v1::ConntrackInfo>(7)); },
       "hops: conntrack: info"},
      {[](Batch& b) {
         while (b.hops_size() <= 65536) *b.add_hops() = b.hops(0);
       },
       "hops: more than"},
  };
  EXPECT_EQ(decoded_error([](Batch&) {}), "");
  for (std::size_t i = 0; i < cases.size(); ++i) {
    EXPECT_NE(decoded_error(cases[i].first).find(cases[i].second), std::string::npos) << "case " << i;
  }
}

TEST(SessionCodec, damaged_bytes_never_crash_it) {
  support::Random random(42);
  const auto batch = encode_batch(support::make_batch(3, 50));
  const auto assignment = encode(ControllerMessage(make_assignment()));
  std::uint64_t refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = round % 2 == 0 ? batch : assignment;
    for (unsigned change = 0; change <= random() % 4U; ++change)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4U == 0) bytes.resize(random() % bytes.size());
    refused += decode_agent_message(bytes) ? 0U : 1U;
    refused += decode_controller_message(bytes) ? 0U : 1U;
  }
  EXPECT_GT(refused, 10'000U);
}

TEST(SessionCodec, nothing_is_no_message) {
  EXPECT_FALSE(decode_agent_message(""));
  EXPECT_FALSE(decode_controller_message(""));
}

}  // namespace
}  // namespace conntruth::codec
