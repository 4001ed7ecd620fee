#pragma once
// The walk's programs in the kernel: which of them it can run, their loading, their tracepoints and their maps. All of
// it hangs on descriptors of this process, so that nothing stays when it ends, however it ends.
// Threading: one thread at a time.

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "agent/observe/kernel_types.hpp"
#include "bpf/abi/hop_event.h"
#include "common/model/hop.hpp"
#include "common/result.hpp"

struct bpf_object;
struct bpf_link;

namespace conntruth::observe {

// The object of bpf/walk.bpf.c, which is a part of this program.
[[nodiscard]] std::span<const std::uint8_t> walk_object();

// A place in a hook where the walk looks: see bpf/hooks.h.
struct Lookout {
  const char* program;
  NetfilterHook hook;
  std::int32_t priority;
  std::int32_t step;  // which way to go where that priority is taken, without passing what it is to come before
};
[[nodiscard]] std::span<const Lookout> lookouts();

class WalkPrograms {
 public:
  // Loads what this kernel can run; nothing is attached yet. `ring_bytes`: of the ring of events, a power of two of
  // pages. kUnsupported or kPermission with the kernel's reason where nothing at all can be loaded.
  [[nodiscard]] static Result<WalkPrograms> load(const KernelTypes& types, std::size_t ring_bytes);

  [[nodiscard]] Status attach_tracepoints();
  [[nodiscard]] Status add_place(std::uint32_t inode, const abi::walk_place& place);
  void detach() { links_.clear(); }

  [[nodiscard]] bool has(const std::string& program) const;
  [[nodiscard]] int descriptor(const std::string& program) const;  // -1 where it is not loaded
  [[nodiscard]] std::vector<std::string> names() const;            // of all programs, loaded or not
  [[nodiscard]] int ring() const;                                  // descriptor of the map
  [[nodiscard]] std::uint64_t lost() const;                        // events that found no room
  // What is not there and why, a line each.
  [[nodiscard]] const std::vector<std::string>& missing() const { return missing_; }
  [[nodiscard]] std::vector<std::uint32_t> program_ids() const;

 private:
  struct CloseObject {
    void operator()(bpf_object* object) const;
  };
  struct CloseLink {
    void operator()(bpf_link* link) const;
  };
  WalkPrograms() = default;
  [[nodiscard]] Status open(std::size_t ring_bytes);
  void choose(const KernelTypes& types);
  [[nodiscard]] int map(const char* name) const;

  std::unique_ptr<bpf_object, CloseObject> object_;
  std::vector<std::unique_ptr<bpf_link, CloseLink>> links_;
  std::vector<std::string> left_out_;  // programs
  std::vector<std::string> missing_;
};

}  // namespace conntruth::observe
