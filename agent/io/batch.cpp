#include "agent/io/batch.hpp"

#include <poll.h>

#include <cerrno>
#include <cstring>

namespace conntruth::io {

struct ReceiveBatch::Buffers {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> vectors{};
  std::array<KernelAddress, kBatch> names{};
  std::array<std::array<std::uint8_t, kSize>, kBatch> data{};
  alignas(cmsghdr) std::array<std::array<std::uint8_t, kControl>, kBatch> control{};
};

void ReceiveBatch::Deleter::operator()(Buffers* buffers) const { delete buffers; }

ReceiveBatch::ReceiveBatch() : buffers_(new Buffers) {
  auto& b = *buffers_;
  for (std::size_t i = 0; i < kBatch; ++i) {
    b.vectors.at(i) = {b.data.at(i).data(), kSize};
    auto& header = b.messages.at(i).msg_hdr;
    header.msg_name = &b.names.at(i);
    header.msg_iov = &b.vectors.at(i);
    header.msg_iovlen = 1;
    header.msg_control = b.control.at(i).data();
  }
}

std::size_t ReceiveBatch::receive(int fd) {
  auto& b = *buffers_;
  for (auto& message : b.messages) {
    message.msg_hdr.msg_namelen = sizeof(KernelAddress);
    message.msg_hdr.msg_controllen = kControl;
  }
  const int count = recvmmsg(fd, b.messages.data(), kBatch, MSG_DONTWAIT, nullptr);
  return count > 0 ? static_cast<std::size_t>(count) : 0;
}

wire::Bytes ReceiveBatch::data(std::size_t index) const {
  return wire::Bytes(buffers_->data.at(index))
      .first(std::min<std::size_t>(buffers_->messages.at(index).msg_len, kSize));
}

SocketAddress ReceiveBatch::source(std::size_t index) const { return from_kernel(buffers_->names.at(index)); }

namespace {

template <typename Value>
std::optional<Value> find_control(const msghdr& header, int level, int type) {
  auto* mutable_header = const_cast<msghdr*>(&header);  // CMSG_NXTHDR asks for it and does not write
  for (auto* at = CMSG_FIRSTHDR(&header); at != nullptr; at = CMSG_NXTHDR(mutable_header, at)) {
    if (at->cmsg_level != level || at->cmsg_type != type || at->cmsg_len < CMSG_LEN(sizeof(Value))) continue;
    Value value{};
    std::memcpy(&value, CMSG_DATA(at), sizeof value);
    return value;
  }
  return std::nullopt;
}

}  // namespace

std::optional<IpAddress> ReceiveBatch::destination(std::size_t index) const {
  const auto& header = buffers_->messages.at(index).msg_hdr;
  if (const auto v4 = find_control<in_pktinfo>(header, IPPROTO_IP, IP_PKTINFO)) return from_kernel(v4->ipi_addr);
  if (const auto v6 = find_control<in6_pktinfo>(header, IPPROTO_IPV6, IPV6_PKTINFO)) return from_kernel(v6->ipi6_addr);
  return std::nullopt;
}

std::optional<std::uint32_t> ReceiveBatch::overflow(std::size_t index) const {
  return find_control<std::uint32_t>(buffers_->messages.at(index).msg_hdr, SOL_SOCKET, SO_RXQ_OVFL);
}

struct SendBatch::Buffers {
  std::array<mmsghdr, kBatch> messages{};
  std::array<iovec, kBatch> vectors{};
  std::array<KernelAddress, kBatch> names{};
  std::array<std::array<std::uint8_t, wire::kMaxPacket>, kBatch> data{};
  alignas(cmsghdr) std::array<std::array<std::uint8_t, CMSG_SPACE(sizeof(in6_pktinfo))>, kBatch> control{};
};

void SendBatch::Deleter::operator()(Buffers* buffers) const { delete buffers; }

SendBatch::SendBatch() : buffers_(new Buffers) {
  auto& b = *buffers_;
  for (std::size_t i = 0; i < kBatch; ++i) {
    b.vectors.at(i) = {b.data.at(i).data(), 0};
    auto& header = b.messages.at(i).msg_hdr;
    header.msg_name = &b.names.at(i);
    header.msg_iov = &b.vectors.at(i);
    header.msg_iovlen = 1;
  }
}

wire::MutableBytes SendBatch::next() { return buffers_->data.at(count_); }

namespace {

template <typename Value>
void put_control(msghdr& header, int level, int type, const Value& value) {
  header.msg_controllen = CMSG_SPACE(sizeof value);
  auto* at = CMSG_FIRSTHDR(&header);
  at->cmsg_level = level;
  at->cmsg_type = type;
  at->cmsg_len = CMSG_LEN(sizeof value);
  std::memcpy(CMSG_DATA(at), &value, sizeof value);
}

}  // namespace

void SendBatch::add(std::size_t bytes, const SocketAddress& to, const IpAddress& from) {
  auto& b = *buffers_;
  b.vectors.at(count_).iov_len = bytes;
  b.names.at(count_) = to_kernel(to);
  auto& header = b.messages.at(count_).msg_hdr;
  header.msg_namelen = size_of(b.names.at(count_));
  header.msg_control = nullptr;
  header.msg_controllen = 0;
  if (!from.is_unspecified()) {
    header.msg_control = b.control.at(count_).data();
    if (from.family() == Family::kIpv4) {
      put_control(header, IPPROTO_IP, IP_PKTINFO,
                  in_pktinfo{.ipi_ifindex = 0, .ipi_spec_dst = to_in_addr(from), .ipi_addr = {}});
    } else {
      put_control(header, IPPROTO_IPV6, IPV6_PKTINFO, in6_pktinfo{.ipi6_addr = to_in6_addr(from), .ipi6_ifindex = 0});
    }
  }
  ++count_;
}

void SendBatch::flush(int fd) {
  auto& b = *buffers_;
  bool waited = false;
  for (std::size_t sent = 0; sent < count_;) {
    const int count = sendmmsg(fd, b.messages.data() + sent, static_cast<unsigned>(count_ - sent), MSG_DONTWAIT);
    if (count > 0) {
      std::fill_n(results_.begin() + static_cast<std::ptrdiff_t>(sent), count, 0);
      sent += static_cast<std::size_t>(count);
      waited = false;
    } else if (errno == EAGAIN && !waited) {  // the send buffer is full: a device that really queues
      pollfd writable{fd, POLLOUT, 0};
      waited = true;
      poll(&writable, 1, 10);
    } else if (errno != EINTR) {
      results_.at(sent++) = errno;
      waited = false;
    }
  }
  count_ = 0;
}

}  // namespace conntruth::io
