#pragma once
// The one error type of the project.
//
// A function that can fail for a reason its caller may want to tell a user returns Result<T>. Exceptions do not cross
// a module: code that calls a throwing library (YAML, JSON, the standard library's streams) catches at its border and
// returns fail(...). A broken promise of our own code is not an Error but an assertion.
//
//   Result<World> load(std::string_view path);
//   auto world = load(path);
//   if (!world) return std::unexpected(world.error().in("world file"));
//
// Threading: values, no shared state.

#include <expected>
#include <string>
#include <string_view>
#include <utility>

namespace conntruth {

enum class ErrorCode {
  kInvalidInput,  // what the user wrote is wrong: a field, a flag, a file; the message names it and the remedy
  kNotFound,      // a named thing does not exist
  kUnsupported,   // this kernel, agent or environment cannot do it
  kPermission,    // a capability or privilege is missing
  kConflict,      // a name, port or address is taken
  kUnavailable,   // a peer or a process went away; trying later may help
  kResource,      // out of space, memory, ports, budget
  kInternal,      // a system call failed in a way nobody asked for
};

struct Error {
  ErrorCode code = ErrorCode::kInternal;
  std::string message;  // one line, no trailing stop, says what was wrong and what to do about it

  // Puts where it happened in front: "world file: service web: port 0 is out of range".
  [[nodiscard]] Error in(std::string_view where) const { return {code, std::string(where) + ": " + message}; }
  bool operator==(const Error&) const = default;
};

template <typename T>
using Result = std::expected<T, Error>;

using Status = Result<void>;

// The failed Result: `return fail(ErrorCode::kNotFound, "no lab named x; `conntruth lab list` shows what there is");`
[[nodiscard]] inline std::unexpected<Error> fail(ErrorCode code, std::string message) {
  return std::unexpected(Error{code, std::move(message)});
}

// Appends strerror(number) to what was attempted: fail_errno("open /dev/net/tun", errno).
[[nodiscard]] std::unexpected<Error> fail_errno(std::string_view attempted, int number);

// Stable lower-case word of a code, for logs and JSON.
[[nodiscard]] std::string_view to_string(ErrorCode code);

}  // namespace conntruth
