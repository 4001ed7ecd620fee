#pragma once
// Container images for the pods of a lab with kubelets. A lab has no way out, so an image is a file that containerd on
// every node is given: an OCI layout or what `docker save` writes, as a tar. Errors: kInvalidInput for a lab without
// kubelets, kNotFound for the file, else the node and the end of what ctr said. Threading: one thread.

#include <string>

#include "lab/lab.hpp"

namespace conntruth::lab {

// On all nodes side by side; back when the last one has it. Loading it again changes nothing.
[[nodiscard]] Status load_image(const Lab& lab, const std::string& file);

}  // namespace conntruth::lab
