# xinfer_onnx_proto: ONNX's protobuf schema as a library.
#
# onnx.proto comes from a pinned onnx wheel, fetched once into XINFER_CACHE_DIR and checked by hash
# (docs/decisions/onnx-schema.md says why). XINFER_ONNX_PROTO names a local copy instead: no network.
set(XINFER_ONNX_PROTO "" CACHE FILEPATH "A local onnx.proto to use instead of the pinned wheel's")
set(XINFER_CACHE_DIR ${PROJECT_SOURCE_DIR}/.cache CACHE PATH "Where fetched files are kept")

function(xinfer_add_onnx_proto)
  set(generated ${CMAKE_CURRENT_BINARY_DIR}/onnx_proto)
  set(proto ${generated}/xinfer_onnx/onnx.proto)
  set(fetch ${PROJECT_SOURCE_DIR}/scripts/fetch_onnx_proto.sh)
  set(cached ${XINFER_CACHE_DIR}/onnx-1.23.2.proto)
  if(XINFER_ONNX_PROTO)
    add_custom_command(OUTPUT ${proto}
      COMMAND ${CMAKE_COMMAND} -E copy ${XINFER_ONNX_PROTO} ${proto}
      DEPENDS ${XINFER_ONNX_PROTO}
      VERBATIM)
  else()
    add_custom_command(OUTPUT ${proto}
      COMMAND ${fetch} ${cached}
      COMMAND ${CMAKE_COMMAND} -E copy ${cached} ${proto}
      DEPENDS ${fetch}
      COMMENT "Taking onnx.proto from the onnx wheel"
      VERBATIM)
  endif()
  add_custom_command(OUTPUT ${generated}/xinfer_onnx/onnx.pb.cc ${generated}/xinfer_onnx/onnx.pb.h
    COMMAND protobuf::protoc --cpp_out=${generated} -I${generated} ${proto}
    DEPENDS ${proto}
    VERBATIM)
  add_library(xinfer_onnx_proto STATIC ${generated}/xinfer_onnx/onnx.pb.cc)
  # The schema asks for the lite runtime itself (optimize_for = LITE_RUNTIME).
  target_link_libraries(xinfer_onnx_proto PUBLIC protobuf::libprotobuf-lite)
  target_include_directories(xinfer_onnx_proto SYSTEM PUBLIC ${generated})
endfunction()
