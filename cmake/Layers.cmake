# Who may include whom is part of the build: a forbidden #include fails it. Looked at again when any source changed.
find_program(CONNTRUTH_PYTHON NAMES python3 PATHS /usr/bin NO_DEFAULT_PATH REQUIRED)
set(folders agent bpf common controller lab tests)
list(TRANSFORM folders PREPEND ${CMAKE_SOURCE_DIR}/ OUTPUT_VARIABLE patterns)
foreach(suffix cpp hpp c h)
  list(TRANSFORM patterns APPEND "/*.${suffix}" OUTPUT_VARIABLE some)
  list(APPEND globs ${some})
endforeach()
file(GLOB_RECURSE layered CONFIGURE_DEPENDS ${globs})
add_custom_command(
  OUTPUT ${CMAKE_BINARY_DIR}/layers.stamp
  COMMAND ${CONNTRUTH_PYTHON} ${CMAKE_SOURCE_DIR}/tests/lint/check_layers.py ${CMAKE_SOURCE_DIR} --stamp ${CMAKE_BINARY_DIR}/layers.stamp
  DEPENDS ${layered} ${CMAKE_SOURCE_DIR}/tests/lint/check_layers.py ${CMAKE_SOURCE_DIR}/tests/lint/tree.py
  COMMENT "Checking who includes whom"
  VERBATIM)
add_custom_target(layers ALL DEPENDS ${CMAKE_BINARY_DIR}/layers.stamp)
