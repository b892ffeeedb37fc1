# Writes OUTPUT, a C++ file defining tune::shipped_timing_texts(), from the FILES (paths separated by
# "|"). Run by cmake -P.
string(REPLACE "|" ";" files "${FILES}")
set(entries "")
foreach(file IN LISTS files)
  file(READ "${file}" text)
  string(APPEND entries "    R\"xinfer(${text})xinfer\",\n")
endforeach()
file(WRITE "${OUTPUT}" "#include \"tune/shipped_timings.h\"

namespace xinfer::tune {

std::span<const std::string_view> shipped_timing_texts() {
  static constexpr std::string_view kTexts[] = {
${entries}  };
  return kTexts;
}

}  // namespace xinfer::tune
")
