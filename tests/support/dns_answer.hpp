#pragma once
// Answers of a DNS server, made of the question that they answer.

#include <algorithm>
#include <initializer_list>
#include <string>
#include <string_view>

#include "common/address.hpp"

namespace conntruth::support {

inline std::string big_endian(unsigned value) {
  return {static_cast<char>(value >> 8U), static_cast<char>(value & 0xFFU)};
}

// About the question's name (a pointer to byte 12 of the message), for 5 s.
inline std::string dns_record(unsigned type, const std::string& data) {
  return big_endian(0xC00C) + big_endian(type) + big_endian(1) + big_endian(0) + big_endian(5) +
         big_endian(static_cast<unsigned>(data.size())) + data;
}

inline std::string address_record(const std::string& text) {
  const auto address = *IpAddress::parse(text);
  const auto bytes = address.bytes();
  return dns_record(address.family() == Family::kIpv4 ? 1 : 28, {bytes.begin(), bytes.end()});
}

inline std::string alias_record(std::string_view target) {
  std::string packed;
  while (!target.empty()) {
    const auto label = target.substr(0, target.find('.'));
    packed += static_cast<char>(label.size());
    packed += label;
    target.remove_prefix(std::min(label.size() + 1, target.size()));
  }
  return dns_record(5, packed + '\0');
}

// `question`: as the client sent it; what follows its one question (OPT) is left out.
inline std::string dns_answer(const std::string& question, unsigned code, std::initializer_list<std::string> records) {
  const auto end_of_name = question.find('\0', 12);
  auto bytes = question.substr(0, 2) + big_endian(0x8580 | code) + big_endian(1) +
               big_endian(static_cast<unsigned>(records.size())) + std::string(4, '\0') +
               question.substr(12, end_of_name + 5 - 12);
  for (const auto& record : records) bytes += record;
  return bytes;
}

}  // namespace conntruth::support
