# Text files that become a part of a library, by their paths below a folder: a generated source defines
#   std::span<const conntruth::install::SourceFile> FUNCTION()
# Called as a script it writes that source; included it has that done whenever one of the files changes.
#   conntruth_embed(TARGET embedded_manifests HEADER "controller/install/manifests.hpp" NAMESPACE conntruth::install
#                   ROOT deploy/kustomize FILES base/agent.yaml ...)
if(CMAKE_SCRIPT_MODE_FILE)
  set(entries "")
  foreach(name IN LISTS FILES)
    file(READ ${ROOT}/${name} text)
    string(APPEND entries "    {\"${name}\", R\"embedded(${text})embedded\"},\n")
  endforeach()
  file(WRITE ${OUTPUT} "#include \"${HEADER}\"\n\nnamespace ${NAMESPACE} {\nnamespace {\nconstexpr SourceFile kFiles[] = {\n"
                       "${entries}};\n}  // namespace\n\nstd::span<const SourceFile> ${FUNCTION}() { return kFiles; }\n\n"
                       "}  // namespace ${NAMESPACE}\n")
  return()
endif()

set(CONNTRUTH_EMBED_SCRIPT ${CMAKE_CURRENT_LIST_FILE})
function(conntruth_embed target function)
  cmake_parse_arguments(EMBED "" "HEADER;NAMESPACE;ROOT" "FILES" ${ARGN})
  set(output ${CMAKE_CURRENT_BINARY_DIR}/${function}.cpp)
  list(TRANSFORM EMBED_FILES PREPEND ${EMBED_ROOT}/ OUTPUT_VARIABLE paths)
  add_custom_command(
    OUTPUT ${output}
    COMMAND ${CMAKE_COMMAND} "-DFILES=${EMBED_FILES}" -DROOT=${EMBED_ROOT} -DOUTPUT=${output} -DFUNCTION=${function}
            -DHEADER=${EMBED_HEADER} -DNAMESPACE=${EMBED_NAMESPACE} -P ${CONNTRUTH_EMBED_SCRIPT}
    DEPENDS ${paths} ${CONNTRUTH_EMBED_SCRIPT}
    COMMENT "Embedding what is in ${EMBED_ROOT}"
    VERBATIM)
  target_sources(${target} PRIVATE ${output})
endfunction()
