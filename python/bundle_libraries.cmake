# Copies what `libraries` need and not every Linux machine has into `destination`, named by soname.
# glibc and GCC's run-time libraries stay the machine's: a second copy in one process does harm.
file(GET_RUNTIME_DEPENDENCIES
  LIBRARIES ${libraries}
  RESOLVED_DEPENDENCIES_VAR resolved
  UNRESOLVED_DEPENDENCIES_VAR unresolved
  PRE_EXCLUDE_REGEXES "^libxinfer_"
  POST_EXCLUDE_REGEXES "/ld-linux[^/]*$" "/lib(c|m|dl|rt|pthread|stdc\\+\\+|gcc_s)\\.so[^/]*$")
if(unresolved)
  message(FATAL_ERROR "cannot bundle what is not installed: ${unresolved}")
endif()
foreach(file IN LISTS resolved)
  get_filename_component(soname "${file}" NAME)
  file(REAL_PATH "${file}" real)
  message(STATUS "Bundling ${soname}")
  file(COPY_FILE "${real}" "${destination}/${soname}")
endforeach()
