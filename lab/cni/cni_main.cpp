// The CNI plug-in of a lab's real pods; started by containerd, never by hand. Answers and errors go to standard output.
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <iterator>
#include <string>

#include "lab/cni/plugin.hpp"
#include "lab/cni/pod_network.hpp"

int main() {
  const auto variable = [](const char* name) -> const char* { return std::getenv(name); };
  std::string input{std::istreambuf_iterator<char>(std::cin), {}};
  const auto answer = conntruth::lab::answer(conntruth::lab::read_call(variable, std::move(input)));
  const auto text = answer ? *answer : conntruth::lab::error_result(answer.error());
  if (!text.empty()) std::puts(text.c_str());
  return answer ? 0 : 1;
}
