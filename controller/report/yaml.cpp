#include "common/codec/json_as_yaml.hpp"
#include "controller/report/report.hpp"

namespace conntruth::report {

std::string to_yaml(const Report& report) { return codec::json_as_yaml(to_json(report)); }

}  // namespace conntruth::report
