# The two installed libraries, xinfer::runtime and xinfer::compiler, and their CMake package.
#
# The folders of src/ build static libraries of their own; here their object files become one shared
# library a side of the border: the runtime runs engines and links neither protobuf nor NVRTC.
include(CMakePackageConfigHelpers)

set(XINFER_RUNTIME_FOLDERS core device quant kernels engine runtime data)
set(XINFER_COMPILER_FOLDERS ir import passes export lower jit tune calibrate compile evaluate)

# The targets behind a list of folders; kernels/ is a library a family.
function(xinfer_folder_targets result)
  set(targets)
  foreach(folder ${ARGN})
    if(folder STREQUAL "kernels")
      get_target_property(families xinfer_kernels INTERFACE_LINK_LIBRARIES)
      list(APPEND targets ${families})
      if(TARGET xinfer_kernels_cuda)
        list(APPEND targets xinfer_kernels_cuda)
      endif()
    elseif(TARGET xinfer_${folder})
      list(APPEND targets xinfer_${folder})
    endif()
  endforeach()
  list(REMOVE_DUPLICATES targets)
  set(${result} ${targets} PARENT_SCOPE)
endfunction()

# xinfer_add_shared(<name> TARGETS … [LIBRARIES …]): libxinfer_<name>.so of those targets' objects.
function(xinfer_add_shared name)
  cmake_parse_arguments(ARG "" "" "TARGETS;LIBRARIES" ${ARGN})
  set(objects ${ARG_TARGETS})
  list(TRANSFORM objects REPLACE "(.+)" "$<TARGET_OBJECTS:\\1>")
  add_library(xinfer_${name}_shared SHARED ${objects})
  add_library(xinfer::${name} ALIAS xinfer_${name}_shared)
  target_link_libraries(xinfer_${name}_shared PRIVATE ${ARG_LIBRARIES})
  target_compile_features(xinfer_${name}_shared INTERFACE cxx_std_20)
  target_include_directories(xinfer_${name}_shared INTERFACE
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  # Before 1.0 a minor version may change the interface, so it is part of the soname.
  set_target_properties(xinfer_${name}_shared PROPERTIES
    OUTPUT_NAME xinfer_${name}
    EXPORT_NAME ${name}
    LINKER_LANGUAGE CXX
    VERSION ${PROJECT_VERSION}
    SOVERSION ${PROJECT_VERSION_MAJOR}.${PROJECT_VERSION_MINOR}
    INSTALL_RPATH "$ORIGIN")
  target_link_options(xinfer_${name}_shared PRIVATE LINKER:--as-needed)
  # The runtime of clang's sanitizers lies in the program; libraries leave its symbols open.
  if(NOT CMAKE_CXX_FLAGS MATCHES "-fsanitize=")
    target_link_options(xinfer_${name}_shared PRIVATE LINKER:--no-undefined)
  endif()
endfunction()

xinfer_folder_targets(runtime_targets ${XINFER_RUNTIME_FOLDERS})
xinfer_add_shared(runtime
  TARGETS ${runtime_targets}
  LIBRARIES fmt::fmt JPEG::JPEG PNG::PNG ZLIB::ZLIB Threads::Threads
            ${CMAKE_DL_LIBS})

xinfer_folder_targets(compiler_targets ${XINFER_COMPILER_FOLDERS})
xinfer_add_shared(compiler
  TARGETS ${compiler_targets} xinfer_onnx_proto
  LIBRARIES fmt::fmt protobuf::libprotobuf-lite Threads::Threads ${CMAKE_DL_LIBS})
target_link_libraries(xinfer_compiler_shared PUBLIC xinfer_runtime_shared)

install(TARGETS xinfer_runtime_shared EXPORT xinfer-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT runtime
  NAMELINK_COMPONENT development)
install(TARGETS xinfer_compiler_shared EXPORT xinfer-targets
  LIBRARY DESTINATION ${CMAKE_INSTALL_LIBDIR} COMPONENT compiler
  NAMELINK_COMPONENT development)
install(DIRECTORY ${PROJECT_SOURCE_DIR}/include/ DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT development
  FILES_MATCHING PATTERN "*.h")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/xinfer)
install(EXPORT xinfer-targets NAMESPACE xinfer:: DESTINATION ${package_dir} COMPONENT development)
configure_package_config_file(${CMAKE_CURRENT_LIST_DIR}/xinfer-config.cmake.in
  ${CMAKE_CURRENT_BINARY_DIR}/xinfer-config.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${CMAKE_CURRENT_BINARY_DIR}/xinfer-config-version.cmake
  COMPATIBILITY SameMinorVersion)
install(FILES
    ${CMAKE_CURRENT_BINARY_DIR}/xinfer-config.cmake
    ${CMAKE_CURRENT_BINARY_DIR}/xinfer-config-version.cmake
  DESTINATION ${package_dir} COMPONENT development)

if(XINFER_BUILD_TOOLS)
  install(TARGETS xinfer_cli RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR} COMPONENT tools)
endif()
