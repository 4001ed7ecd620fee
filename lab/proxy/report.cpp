#include "lab/proxy/report.hpp"

#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

namespace conntruth::lab_proxy {

std::string to_json(const Report& report) {
  const nlohmann::ordered_json document = {{"node", report.node},
                                           {"generation", report.generation},
                                           {"at_ns", report.at_ns},
                                           {"changed", report.changed},
                                           {"error", report.error}};
  // nft quotes what it was given, which need not be UTF-8.
  return document.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace) + "\n";
}

Status write_report(const Report& report, const std::string& path) {
  std::error_code ignored;
  std::filesystem::create_directories(std::filesystem::path(path).parent_path(), ignored);
  const auto fresh = path + ".new";
  {
    std::ofstream out(fresh, std::ios::binary | std::ios::trunc);
    out << to_json(report);
    out.flush();
    if (!out) return fail_errno("write the report " + fresh, errno);
  }
  if (std::rename(fresh.c_str(), path.c_str()) != 0) return fail_errno("put the report at " + path, errno);
  return {};
}

}  // namespace conntruth::lab_proxy
