#include "controller/install/kustomization.hpp"

#include <fmt/core.h>

#include <charconv>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <regex>

#include "common/world/document.hpp"

namespace conntruth::install {
namespace {

using Json = nlohmann::ordered_json;
using world::Value;

constexpr std::string_view kFile = "kustomization.yaml";

// A number as YAML 1.1 has it, which is what kubectl reads: 0440 is octal.
bool read_integer(std::string_view text, std::int64_t& into) {
  const bool negative = text.starts_with('-');
  const auto digits = text.substr(negative ? 1 : 0);
  const int base = digits.size() > 1 && digits.front() == '0' ? 8 : 10;
  const auto* begin = text.data();
  const auto* end = begin + text.size();
  const auto read = std::from_chars(begin, end, into, base);
  return read.ec == std::errc() && read.ptr == end;
}

Json scalar(const Value& value) {
  if (value.kind == Value::Kind::kText) return value.text;
  if (value.text == "true" || value.text == "false") return value.text == "true";
  if (std::int64_t number = 0; read_integer(value.text, number)) return number;
  return value.text;
}

// NOLINTNEXTLINE(misc-no-recursion): as deep as our own manifests.
Json json_of(const Value& value) {
  switch (value.kind) {
    case Value::Kind::kNull:
      return nullptr;
    case Value::Kind::kPlain:
    case Value::Kind::kText:
      return scalar(value);
    case Value::Kind::kSequence: {
      Json result = Json::array();
      for (const auto& child : value.children) result.push_back(json_of(child));
      return result;
    }
    case Value::Kind::kMap: {
      Json result = Json::object();
      for (const auto& child : value.children) result[child.key] = json_of(child);
      return result;
    }
  }
  return nullptr;
}

// The library throws on what is not there; the message names the file.
template <typename Work>
Status guarded(const std::string& where, Work work) {
  try {
    return work();
  } catch (const std::exception& error) {
    return fail(ErrorCode::kInvalidInput, fmt::format("{}: {}", where, error.what()));
  }
}

std::string joined(const std::string& folder, const std::string& name) {
  return (std::filesystem::path(folder) / name).lexically_normal().generic_string();
}

void add_labels(Json& object, const Json& pairs, bool templates) {
  object["metadata"]["labels"].update(pairs);
  if (templates && object.contains("spec") && object["spec"].contains("template"))
    object["spec"]["template"]["metadata"]["labels"].update(pairs);
}

void set_image(Json& object, const Json& image) {
  if (!object.contains("spec") || !object["spec"].is_object() || !object["spec"].contains("template")) return;
  for (auto& container : object["spec"]["template"]["spec"]["containers"]) {
    if (container.at("image") == image.at("name"))
      container["image"] =
          fmt::format("{}:{}", image.at("newName").get<std::string>(), image.at("newTag").get<std::string>());
  }
}

bool is_target(const Json& object, const Json& target) {
  for (const auto& [key, pattern] : target.items()) {
    const auto& value = key == "kind" ? object.at("kind") : object.at("metadata").at(key);
    if (!std::regex_match(value.get<std::string>(), std::regex(pattern.get<std::string>()))) return false;
  }
  return true;
}

class Builder {
 public:
  explicit Builder(std::span<const SourceFile> files) : files_(files) {}

  // NOLINTNEXTLINE(misc-no-recursion): overlays stand on overlays, as deep as our own folders.
  Status add(const std::string& path, std::vector<Json>& objects) {
    if (find(path) == nullptr) return add_folder(path, objects);
    auto documents = read(path);
    if (!documents) return std::unexpected(documents.error());
    for (auto& document : *documents) objects.push_back(std::move(document));
    return {};
  }

  // What the file of `folder` says is done to `objects`, after what it adds to them.
  // NOLINTNEXTLINE(misc-no-recursion)
  Status add_folder(const std::string& folder, std::vector<Json>& objects) {
    const auto path = joined(folder, std::string(kFile));
    const auto documents = read(path);
    if (!documents) return std::unexpected(documents.error());
    return guarded(path, [&]() -> Status {
      for (const auto& [word, value] : documents->at(0).items()) {
        if (word == "apiVersion" || word == "kind" || word == "resources") continue;
        if (word != "components" && word != "labels" && word != "images" && word != "patches")
          return fail(ErrorCode::kInvalidInput, fmt::format("{}: \"{}\" is not understood here", path, word));
      }
      return evaluate(folder, documents->at(0), path, objects);
    });
  }

 private:
  [[nodiscard]] const SourceFile* find(std::string_view path) const {
    const auto found = std::ranges::find(files_, path, &SourceFile::path);
    return found == files_.end() ? nullptr : &*found;
  }

  [[nodiscard]] Result<std::vector<Json>> read(const std::string& path) const {
    const auto* file = find(path);
    if (file == nullptr) return fail(ErrorCode::kInvalidInput, fmt::format("{}: there is no such manifest", path));
    const auto documents = world::parse_documents(file->text, path);
    if (!documents) return std::unexpected(documents.error());
    std::vector<Json> result;
    for (const auto& document : *documents) result.push_back(json_of(document));
    return result;
  }

  // NOLINTNEXTLINE(misc-no-recursion)
  Status evaluate(const std::string& folder, const Json& words, const std::string& path, std::vector<Json>& objects) {
    const auto list = [&](const char* word) { return words.value(word, Json::array()); };
    for (const auto* word : {"resources", "components"}) {
      for (const auto& name : list(word)) {
        const auto added = add(joined(folder, name.get<std::string>()), objects);
        if (!added) return added;
      }
    }
    for (auto& object : objects) {
      for (const auto& image : list("images")) set_image(object, image);
      for (const auto& label : list("labels"))
        add_labels(object, label.at("pairs"), label.value("includeTemplates", false));
    }
    for (const auto& patch : list("patches")) {
      const auto steps = world::parse_documents(patch.at("patch").get<std::string>(), path + ": patch");
      if (!steps) return std::unexpected(steps.error());
      for (auto& object : objects) {
        if (is_target(object, patch.at("target"))) object = object.patch(json_of(steps->at(0)));
      }
    }
    return {};
  }

  std::span<const SourceFile> files_;
};

std::vector<std::string> texts_of(const std::vector<Json>& objects) {
  std::vector<std::string> result;
  result.reserve(objects.size());
  for (const auto& object : objects) result.push_back(object.dump());
  return result;
}

}  // namespace

Result<std::vector<std::string>> build(std::span<const SourceFile> files, std::string_view folder) {
  std::vector<Json> objects;
  const auto built = Builder(files).add_folder(std::string(folder), objects);
  if (!built) return std::unexpected(built.error());
  return texts_of(objects);
}

Result<std::vector<std::string>> with_component(std::span<const SourceFile> files, std::string_view folder,
                                                const std::vector<std::string>& objects) {
  std::vector<Json> changed;
  const auto read = guarded("objects", [&]() -> Status {
    for (const auto& object : objects) changed.push_back(Json::parse(object));
    return {};
  });
  if (!read) return std::unexpected(read.error());
  const auto built = Builder(files).add_folder(std::string(folder), changed);
  if (!built) return std::unexpected(built.error());
  return texts_of(changed);
}

}  // namespace conntruth::install
