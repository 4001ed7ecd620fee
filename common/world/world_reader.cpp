#include "common/world/world_reader.hpp"

#include <fmt/core.h>

#include <charconv>

#include "common/file.hpp"
#include "common/world/cross_check.hpp"
#include "common/world/document.hpp"
#include "common/world/fields.hpp"
#include "common/world/objects.hpp"

namespace conntruth::world {
namespace {

class Reader {
 public:
  explicit Reader(std::string_view origin) : mistakes_(origin) {}

  void document(const Value& value) {
    mistakes_.enter({}, value);
    const Field field(value, mistakes_);
    const auto kind = field["kind"].required_text();
    const auto* items = value.find("items");
    if (!kind.ends_with("List") || items == nullptr) return object(field, kind);
    read_generation(field["metadata"]);
    const auto default_kind = kind.substr(0, kind.size() - 4);  // a ServiceList's items need not say what they are
    for (const auto& item : field["items"].items()) {
      mistakes_.enter("items", *item.value());
      object(item, item["kind"].text(default_kind));
      if (mistakes_.first()) return;
    }
  }

  [[nodiscard]] Result<World> finish() {
    cross_check(world_, lines_, mistakes_);
    if (mistakes_.first()) return std::unexpected(*mistakes_.first());
    return std::move(world_);
  }

 private:
  // A number in our own files; in a cluster's an opaque text, which is no generation.
  void read_generation(const Field& metadata) {
    const auto version = metadata["resourceVersion"].word();
    std::uint64_t number = 0;
    const auto [end, error] = std::from_chars(version.data(), version.data() + version.size(), number);
    if (error == std::errc() && end == version.data() + version.size()) world_.generation = number;
  }

  void object(const Field& field, const std::string& kind) {
    if (mistakes_.first()) return;
    const auto line = field.value()->line;
    enter(field, kind);
    if (kind == "Node") {
      world_.nodes.push_back(read_node(field));
      lines_.nodes.push_back(line);
    } else if (kind == "Service") {
      world_.services.push_back(read_service(field));
      lines_.services.push_back(line);
    } else if (kind == "EndpointSlice") {
      auto slice = read_slice(field);
      if (!slice) return;
      world_.slices.push_back(std::move(*slice));
      lines_.slices.push_back(line);
    } else {
      field["kind"].wrong(
          fmt::format("\"{}\" is not read here; a world is made of Node, Service, EndpointSlice and List", kind));
    }
  }

  // Names the object for messages: "service default/web".
  void enter(const Field& field, const std::string& kind) {
    const auto* metadata = field.value()->find("metadata");
    const auto part = [&](std::string_view key, std::string otherwise) {
      const auto* value = metadata == nullptr ? nullptr : metadata->find(key);
      return value == nullptr || value->text.empty() ? otherwise : value->text;
    };
    const auto name = part("name", "(no name)");
    if (kind == "Node") {
      mistakes_.enter("node " + name, *field.value());
    } else if (kind == "Service" || kind == "EndpointSlice") {
      const auto* word = kind == "Service" ? "service" : "endpointslice";
      mistakes_.enter(fmt::format("{} {}/{}", word, part("namespace", "default"), name), *field.value());
    }
  }

  Mistakes mistakes_;
  World world_;
  ObjectLines lines_;
};

}  // namespace

Result<World> read_world(std::string_view text, std::string_view origin) {
  const auto documents = parse_documents(text, origin);
  if (!documents) return std::unexpected(documents.error());
  Reader reader(origin);
  for (const auto& document : *documents) reader.document(document);
  return reader.finish();
}

Result<World> read_world_file(const std::string& path) {
  const auto text = read_file(path);
  if (!text) return std::unexpected(text.error());
  return read_world(*text, path);
}

}  // namespace conntruth::world
