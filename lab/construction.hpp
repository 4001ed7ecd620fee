#pragma once
// A lab under construction. Until complete() it goes with its creator: on an error by the destructor, on the creator's
// death by the life line that all inits hold.

#include <vector>

#include "lab/lab.hpp"
#include "lab/topology/spawn.hpp"

namespace conntruth::lab {

class Construction {
 public:
  explicit Construction(const LabSpec& spec) : spec_(spec) {}
  Construction(const Construction&) = delete;
  Construction& operator=(const Construction&) = delete;
  ~Construction();

  // In this order.
  [[nodiscard]] Status make_directory();
  [[nodiscard]] Status start_inits();
  [[nodiscard]] Status wire();
  [[nodiscard]] Status start_reference_proxies(const std::string& directory);
  [[nodiscard]] Status start_kubernetes(const std::string& directory,
                                        const Lab::Progress& progress);  // nothing where the lab has no API
  [[nodiscard]] Status complete();

  // With what was found out on the way: exact versions.
  [[nodiscard]] const LabSpec& spec() const { return spec_; }

 private:
  struct Member {
    std::string name;
    StartedInit init;
  };
  [[nodiscard]] std::string netns(const std::string& name) const;

  LabSpec spec_;
  bool owns_directory_ = false;
  bool complete_ = false;
  LifeLine life_line_;
  std::vector<Member> members_;  // fabric, external, nodes
};

// kPermission without the capabilities, kUnsupported where the kernel lacks a family.
[[nodiscard]] Status check_privileges(const LabSpec& spec);

}  // namespace conntruth::lab
