// Both sides of bpf/abi agree: what clang wrote into the object's BTF for the kernel is what g++ sees of the same file,
// field by field, and neither side has one that the other lacks.
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include <gtest/gtest.h>

#include <memory>
#include <vector>

#include "agent/observe/walk_programs.hpp"
#include "bpf/abi/hop_event.h"

namespace conntruth {
namespace {

struct Field {
  std::string name;
  std::size_t offset = 0;  // bytes
  std::size_t size = 0;
  bool operator==(const Field&) const = default;
};

void PrintTo(const Field& field, std::ostream* out) {  // NOLINT: the name that GoogleTest looks for
  *out << field.name << " at " << field.offset << " of " << field.size << " bytes";
}

#define FIELD(type, member) \
  Field { #member, offsetof(abi::type, member), sizeof(abi::type::member) }

std::vector<Field> fields_of_flow() {
  return {FIELD(hop_flow, family),           FIELD(hop_flow, protocol), FIELD(hop_flow, source_port),
          FIELD(hop_flow, destination_port), FIELD(hop_flow, unused),   FIELD(hop_flow, source),
          FIELD(hop_flow, destination)};
}

std::vector<Field> fields_of_event() {
  return {
      FIELD(hop_event, at_ns),   FIELD(hop_event, probe),     FIELD(hop_event, location),  FIELD(hop_event, place),
      FIELD(hop_event, reason),  FIELD(hop_event, priority),  FIELD(hop_event, ct_status), FIELD(hop_event, ct_mark),
      FIELD(hop_event, ct_zone), FIELD(hop_event, kind),      FIELD(hop_event, answer),    FIELD(hop_event, hook),
      FIELD(hop_event, ct_info), FIELD(hop_event, icmp_type), FIELD(hop_event, icmp_code), FIELD(hop_event, device),
      FIELD(hop_event, flow),    FIELD(hop_event, unused),    FIELD(hop_event, original),  FIELD(hop_event, reply)};
}

std::vector<Field> fields_of_packet() {
  return {FIELD(packet_event, hop), FIELD(packet_event, size), FIELD(packet_event, unused), FIELD(packet_event, bytes)};
}

std::vector<Field> fields_of_place() {
  return {FIELD(walk_place, index), FIELD(walk_place, tracked4), FIELD(walk_place, tracked6),
          FIELD(walk_place, unused)};
}

#undef FIELD

struct Closer {
  void operator()(bpf_object* object) const { bpf_object__close(object); }
};

class Layout : public testing::Test {
 protected:
  void SetUp() override {
    const auto bytes = observe::walk_object();
    object_.reset(bpf_object__open_mem(bytes.data(), bytes.size(), nullptr));
    ASSERT_TRUE(object_);
    types_ = bpf_object__btf(object_.get());
  }
  [[nodiscard]] const btf_type* structure(const char* name) const {
    const auto id = btf__find_by_name_kind(types_, name, BTF_KIND_STRUCT);
    return id < 0 ? nullptr : btf__type_by_id(types_, static_cast<std::uint32_t>(id));
  }
  // As the object's BTF has them; empty where there is no such type.
  [[nodiscard]] std::vector<Field> fields(const char* name) const {
    std::vector<Field> found;
    const auto* type = structure(name);
    for (std::uint32_t i = 0; type != nullptr && i < btf_vlen(type); ++i) {
      const auto& member = btf_members(type)[i];
      EXPECT_EQ(btf_member_bitfield_size(type, i), 0U) << "a field of bits";
      found.push_back({btf__name_by_offset(types_, member.name_off), btf_member_bit_offset(type, i) / 8U,
                       static_cast<std::size_t>(btf__resolve_size(types_, member.type))});
    }
    return found;
  }
  [[nodiscard]] std::size_t size(const char* name) const {
    const auto* type = structure(name);
    return type == nullptr ? 0 : type->size;
  }
  [[nodiscard]] const bpf_map* map(const char* name) const { return bpf_object__find_map_by_name(object_.get(), name); }

  std::unique_ptr<bpf_object, Closer> object_;
  const btf* types_ = nullptr;
};

TEST_F(Layout, an_event_is_the_same_on_both_sides) {
  EXPECT_EQ(size("hop_event"), sizeof(abi::hop_event));
  EXPECT_EQ(fields("hop_event"), fields_of_event());
}

TEST_F(Layout, an_event_with_bytes_is_the_same_on_both_sides) {
  EXPECT_EQ(size("packet_event"), sizeof(abi::packet_event));
  EXPECT_EQ(fields("packet_event"), fields_of_packet());
}

TEST_F(Layout, a_flow_is_the_same_on_both_sides) {
  EXPECT_EQ(size("hop_flow"), sizeof(abi::hop_flow));
  EXPECT_EQ(fields("hop_flow"), fields_of_flow());
}

TEST_F(Layout, a_place_is_the_same_on_both_sides) {
  EXPECT_EQ(size("walk_place"), sizeof(abi::walk_place));
  EXPECT_EQ(fields("walk_place"), fields_of_place());
}

TEST_F(Layout, maps_hold_what_the_agent_writes_and_reads) {
  ASSERT_TRUE(map("places") && map("lost") && map("events"));
  EXPECT_EQ(bpf_map__key_size(map("places")), sizeof(std::uint32_t));
  EXPECT_EQ(bpf_map__value_size(map("places")), sizeof(abi::walk_place));
  EXPECT_EQ(bpf_map__key_size(map("lost")), sizeof(std::uint32_t));
  EXPECT_EQ(bpf_map__value_size(map("lost")), sizeof(std::uint64_t));
}

TEST_F(Layout, a_type_that_is_not_there_has_no_fields) {
  EXPECT_TRUE(fields("no such type").empty());
  EXPECT_EQ(size("no such type"), 0U);
}

}  // namespace
}  // namespace conntruth
