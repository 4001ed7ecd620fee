#pragma once
// Reads Kubernetes objects as `kubectl get -o yaml|json` prints them (single objects, `kind: List`, several YAML
// documents) into a World, and writes a World back as one JSON List that kubectl would accept.
//
// Kinds read: Node, Service, EndpointSlice, List. Any other kind is an error that names it. Unknown fields inside known
// objects are ignored (real objects carry managedFields and more); wrong types and out-of-range values are errors of
// the form "FILE:LINE: service default/web: spec.ports[0].port: 70000 is out of range 1..65535". Cross checks:
// duplicate objects, a slice whose endpoint names a node that is not in the world (where the world has nodes), one
// nodePort and protocol in two Services, one address in two Services' clusterIPs. The World's generation stands in the
// List's metadata.resourceVersion. Threading: pure functions.

#include <string>
#include <string_view>

#include "common/result.hpp"
#include "common/world/world.hpp"

namespace conntruth::world {

// `origin` is the file name used in messages. JSON is recognised by its first character and read with a fast parser.
[[nodiscard]] Result<World> read_world(std::string_view text, std::string_view origin);
[[nodiscard]] Result<World> read_world_file(const std::string& path);

// One JSON document, `kind: List`, stable order (as in the World), no trailing spaces.
[[nodiscard]] std::string write_world(const World& world);

}  // namespace conntruth::world
