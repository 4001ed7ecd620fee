#include "controller/judge/verdict.hpp"

namespace conntruth::judge {

std::string_view to_string(Verdict verdict) {
  switch (verdict) {
    case Verdict::kPass:
      return "pass";
    case Verdict::kFail:
      return "fail";
    case Verdict::kInvalid:
      return "invalid";
    case Verdict::kError:
      return "error";
    case Verdict::kRecorded:
      return "recorded";
    case Verdict::kNotRun:
      return "notRun";
  }
  return "?";
}

std::string_view to_string(PatternKind kind) {
  switch (kind) {
    case PatternKind::kEverything:
      return "everything";
    case PatternKind::kSingleCell:
      return "single-cell";
    case PatternKind::kRow:
      return "row";
    case PatternKind::kColumn:
      return "column";
    case PatternKind::kDiagonal:
      return "diagonal";
    case PatternKind::kFamily:
      return "family";
    case PatternKind::kProtocol:
      return "protocol";
    case PatternKind::kPart:
      return "part";
    case PatternKind::kMixed:
      return "mixed";
    case PatternKind::kScattered:
      return "scattered";
  }
  return "?";
}

}  // namespace conntruth::judge
