#include "agent/observe/kernel_types.hpp"

#include <bpf/btf.h>

#include <cerrno>

namespace conntruth::observe {

void KernelTypes::Free::operator()(btf* types) const { btf__free(types); }

Result<KernelTypes> KernelTypes::load() {
  auto* types = btf__load_vmlinux_btf();
  if (types != nullptr) return KernelTypes(types);
  return fail(ErrorCode::kUnsupported,
              "this kernel does not describe its types (/sys/kernel/btf/vmlinux; CONFIG_DEBUG_INFO_BTF): " +
                  fail_errno("read them", errno).error().message);
}

// Source: `typedef void (*btf_trace_NAME)(void *, ...)` of include/trace/bpf_probe.h.
std::optional<std::size_t> KernelTypes::tracepoint_arguments(const std::string& name) const {
  const auto id = btf__find_by_name_kind(types_.get(), ("btf_trace_" + name).c_str(), BTF_KIND_TYPEDEF);
  const auto* type = id < 0 ? nullptr : btf__type_by_id(types_.get(), static_cast<std::uint32_t>(id));
  if (type != nullptr) type = btf__type_by_id(types_.get(), type->type);
  if (type == nullptr || !btf_is_ptr(type)) return std::nullopt;
  type = btf__type_by_id(types_.get(), type->type);
  if (type == nullptr || !btf_is_func_proto(type) || btf_vlen(type) == 0) return std::nullopt;
  return btf_vlen(type) - 1U;
}

std::map<std::uint32_t, std::string> KernelTypes::enum_names(const std::string& name,
                                                             const std::string& beginning) const {
  std::map<std::uint32_t, std::string> names;
  const auto id = btf__find_by_name_kind(types_.get(), name.c_str(), BTF_KIND_ENUM);
  if (id < 0) return names;
  const auto* type = btf__type_by_id(types_.get(), static_cast<std::uint32_t>(id));
  const auto* values = btf_enum(type);
  for (std::uint32_t i = 0; i < btf_vlen(type); ++i) {
    const auto* text = btf__name_by_offset(types_.get(), values[i].name_off);
    std::string value = text == nullptr ? "" : text;
    if (value.starts_with(beginning)) value.erase(0, beginning.size());
    names.emplace(static_cast<std::uint32_t>(values[i].val), std::move(value));
  }
  return names;
}

std::optional<std::uint32_t> KernelTypes::function(const std::string& name) const {
  const auto id = btf__find_by_name_kind(types_.get(), name.c_str(), BTF_KIND_FUNC);
  if (id < 0) return std::nullopt;
  return static_cast<std::uint32_t>(id);
}

bool KernelTypes::has_structure(const std::string& name) const {
  return btf__find_by_name_kind(types_.get(), name.c_str(), BTF_KIND_STRUCT) >= 0;
}

}  // namespace conntruth::observe
