#pragma once
// Where files are that a program reads beside itself: scenarios, profiles. Of an installed program in
// PREFIX/share/conntruth, of one that was just built in its sources. Threading: independent calls.

#include <string>
#include <string_view>

namespace conntruth {

// BIN/../share/conntruth/NAME of the folder BIN of `program` where that exists, else `in_sources`.
[[nodiscard]] std::string data_folder(std::string_view name, std::string_view in_sources,
                                      const std::string& program = "/proc/self/exe");

}  // namespace conntruth
