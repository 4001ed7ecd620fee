#pragma once
// The files of a bundle:
//
//   README.txt                        what each file is, what is missing and why
//   index.json                        the same for programs
//   report.json                       of the whole run (docs/report.schema.json)
//   worlds/stage-N.json               Services, EndpointSlices and Nodes as they stood then, as kubectl reads them
//   rulesets/stage-N/NODE[+PLACE].nft the packet filter's rules of each node that cells' packets came by
//   cells/N-NAME/cell.json            as in the report, with cause and evidence
//   cells/N-NAME/explain.txt          the same in words
//   cells/N-NAME/samples.csv          every probe of it, witnesses too
//   cells/N-NAME/conntrack.json       entries of connection tracking of all its witnesses
//   cells/N-NAME/packets.pcapng       its witnesses' packets
//
// The same run gives the same bytes. Errors are those of the store and of the sink. Threading: one thread.

#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "common/result.hpp"
#include "controller/bundle/sink.hpp"
#include "controller/plan/plan.hpp"
#include "controller/report/report.hpp"
#include "controller/store/run_store.hpp"

namespace conntruth::bundle {

// Ids of the cells that one of the globs names; without globs, of those that failed. kNotFound for a glob that names
// none.
[[nodiscard]] Result<std::set<std::string>> choose_cells(const report::Report& report,
                                                         const std::vector<std::string>& globs);

struct Written {
  std::size_t cells = 0;
  std::size_t files = 0;
  std::vector<std::string> missing;  // lines, as README.txt has them
};

// `plan` and `report` are the run's. Finishes the sink.
[[nodiscard]] Result<Written> write_bundle(const store::RunStore& runs, const report::Report& report,
                                           const plan::Plan& plan, const std::set<std::string>& cells, Sink& sink);

}  // namespace conntruth::bundle
