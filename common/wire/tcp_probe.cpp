#include "common/wire/tcp_probe.hpp"

namespace conntruth::wire {

namespace {

constexpr std::uint8_t kEnd = 0;
constexpr std::uint8_t kNop = 1;
constexpr std::uint8_t kMss = 2;
constexpr std::uint8_t kTimestamps = 8;
constexpr std::uint8_t kExperimental = 254;
constexpr std::size_t kTimestampsSize = 10;
constexpr std::uint8_t kIpv4AnswerSize = 2 + 4 + 4 + 6 + 6;
constexpr std::uint8_t kIpv6AnswerSize = 2 + 4 + 4 + 18;

void put_timestamps(MutableBytes options, std::size_t at, std::uint32_t value, std::uint32_t echo) {
  options[at] = kTimestamps;
  options[at + 1] = kTimestampsSize;
  store32(options, at + 2, value);
  store32(options, at + 6, echo);
}

struct ProbeOptions {
  Bytes timestamps;  // the eight bytes behind kind and length
  Bytes experiment;  // what follows the ExID
};

// Walks the options; nullopt unless both of ours are there and all are well formed.
std::optional<ProbeOptions> find_options(Bytes options) {
  ProbeOptions found;
  bool experiment = false;
  for (std::size_t at = 0; at < options.size() && options[at] != kEnd;) {
    if (options[at] == kNop) {
      ++at;
      continue;
    }
    if (at + 2 > options.size()) return std::nullopt;
    const std::size_t size = options[at + 1];
    if (size < 2 || at + size > options.size()) return std::nullopt;
    const auto body = options.subspan(at + 2, size - 2);
    if (options[at] == kTimestamps && size == kTimestampsSize) found.timestamps = body;
    if (options[at] == kExperimental && body.size() >= 4 && load32(body, 0) == kProbeMagic) {
      found.experiment = body.subspan(4);
      experiment = true;
    }
    at += size;
  }
  if (!experiment || found.timestamps.empty()) return std::nullopt;
  return found;
}

}  // namespace

std::size_t build_syn(MutableBytes out, const Endpoints& flow, ProbeId id) {
  std::array<std::uint8_t, kSynOptionsSize> options{};
  store16(options, 0, kExperiment);
  store32(options, 2, kProbeMagic);
  options[6] = kMss;
  options[7] = 4;
  store16(options, 8, flow.source.address.family() == Family::kIpv4 ? 1460 : 1440);
  put_timestamps(options, 10, task_of(id), 0);
  std::ranges::fill(MutableBytes(options).subspan(20), kNop);
  return build_tcp(
      out, flow,
      {.sequence = sequence_of(id), .acknowledgement = 0, .flags = tcp::kSyn, .window = 64240, .options = options});
}

std::optional<ProbeId> parse_syn(const TcpSegment& segment) {
  if ((segment.header.flags & (tcp::kSyn | tcp::kAck | tcp::kRst | tcp::kFin)) != tcp::kSyn) return std::nullopt;
  const auto options = find_options(segment.header.options);
  if (!options) return std::nullopt;
  return probe_id(load32(options->timestamps, 0), segment.header.sequence);
}

std::size_t build_syn_ack(MutableBytes out, const Endpoints& flow, ProbeId id, std::uint32_t responder) {
  const bool v4 = flow.source.address.family() == Family::kIpv4;
  std::array<std::uint8_t, 40> options{};
  options[0] = kExperimental;
  options[1] = v4 ? kIpv4AnswerSize : kIpv6AnswerSize;
  store32(options, 2, kProbeMagic);
  store32(options, 6, responder);
  store16(options, 10, flow.destination.port);
  store_address(options, 12, flow.destination.address);
  if (v4) {
    store16(options, 16, flow.source.port);
    store_address(options, 18, flow.source.address);
  }
  put_timestamps(options, options[1], 1, task_of(id));
  const std::size_t used = (options[1] + kTimestampsSize + 3) / 4 * 4;
  return build_tcp(out, flow,
                   {.sequence = sequence_of(id) ^ kProbeMagic,
                    .acknowledgement = sequence_of(id) + 1,
                    .flags = tcp::kSyn | tcp::kAck,
                    .window = 64240,
                    .options = Bytes(options).first(used)});
}

std::optional<TcpAnswer> parse_syn_ack(const TcpSegment& segment) {
  if ((segment.header.flags & (tcp::kSyn | tcp::kAck | tcp::kRst)) != (tcp::kSyn | tcp::kAck)) return std::nullopt;
  const auto options = find_options(segment.header.options);
  if (!options) return std::nullopt;
  const auto body = options->experiment;
  TcpAnswer answer{.id = probe_id(load32(options->timestamps, 4), segment.header.acknowledgement - 1), .identity = {}};
  if (body.size() == kIpv4AnswerSize - 6U) {
    answer.identity = {.responder = load32(body, 0),
                       .seen_source = {load_address(body, 6, Family::kIpv4), load16(body, 4)},
                       .seen_destination = {load_address(body, 12, Family::kIpv4), load16(body, 10)}};
    return answer;
  }
  if (body.size() != kIpv6AnswerSize - 6U) return std::nullopt;
  answer.identity = {.responder = load32(body, 0),
                     .seen_source = {load_address(body, 6, Family::kIpv6), load16(body, 4)},
                     .seen_destination = {IpAddress::v6({}), 0}};
  return answer;
}

}  // namespace conntruth::wire
