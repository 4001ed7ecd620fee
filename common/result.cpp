#include "common/result.hpp"

#include <cerrno>
#include <system_error>

namespace conntruth {

namespace {

ErrorCode code_of(int number) {
  switch (number) {
    case EPERM:
    case EACCES:
      return ErrorCode::kPermission;
    case ENOENT:
    case ESRCH:
      return ErrorCode::kNotFound;
    case EEXIST:
    case EADDRINUSE:
      return ErrorCode::kConflict;
    case ENOSPC:
    case ENOMEM:
    case EMFILE:
    case ENFILE:
    case ENOBUFS:
      return ErrorCode::kResource;
    case EOPNOTSUPP:
    case ENOSYS:
    case EPROTONOSUPPORT:
      return ErrorCode::kUnsupported;
    default:
      return ErrorCode::kInternal;
  }
}

}  // namespace

std::unexpected<Error> fail_errno(std::string_view attempted, int number) {
  return fail(code_of(number), std::string(attempted) + ": " + std::generic_category().message(number));
}

std::string_view to_string(ErrorCode code) {
  switch (code) {
    case ErrorCode::kInvalidInput:
      return "invalid-input";
    case ErrorCode::kNotFound:
      return "not-found";
    case ErrorCode::kUnsupported:
      return "unsupported";
    case ErrorCode::kPermission:
      return "permission";
    case ErrorCode::kConflict:
      return "conflict";
    case ErrorCode::kUnavailable:
      return "unavailable";
    case ErrorCode::kResource:
      return "resource";
    case ErrorCode::kInternal:
      return "internal";
  }
  return "internal";
}

}  // namespace conntruth
